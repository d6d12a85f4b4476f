/**
 * Whether operations that overlapped can be put into one order that explains every answer: linearizability, by the
 * search of Wing and Gong with the memory of Lowe ("Testing for linearizability", 2016). An operation of unknown
 * outcome may take effect at any time after it was asked for, or never. Pure.
 */

export interface Event<State> {
  /** For people. */
  readonly name: string;
  readonly beganMs: number;
  /** Infinity: it may take effect at any later time. */
  readonly endedMs: number;
  /** It did take effect, sooner or later. */
  readonly isCertain: boolean;
  /** It takes effect after that one (a place in the list). */
  readonly after?: number;
  /** It takes no effect once one of those (places in the list) did. */
  readonly notAfter?: readonly number[];
  /** The states after it, none if it cannot have happened now. `took`: whether another one did take effect. */
  next(state: State, took: (place: number) => boolean): readonly State[];
}

/**
 * Undefined: there is such an order. Otherwise what could not be explained in the order that explains most.
 * @param key tells states apart
 */
export function unexplained<State>(
  events: readonly Event<State>[],
  initial: State,
  key: (state: State) => string,
): readonly string[] | undefined {
  const order = events.map((_, place) => place).sort((a, b) => events[a]!.beganMs - events[b]!.beganMs);
  const seen = new Set<string>();
  let most = -1;
  let stuck: readonly string[] = [];

  const search = (state: State, done: ReadonlySet<number>): boolean => {
    const left = order.filter((place) => !done.has(place));
    const certain = left.filter((place) => events[place]!.isCertain);
    if (certain.length === 0) return true;
    const memory = `${key(state)} ${left.join(',')}`;
    if (seen.has(memory)) return false;
    seen.add(memory);
    if (done.size > most) {
      most = done.size;
      stuck = certain.slice(0, 3).map((place) => events[place]!.name);
    }
    const soonestMs = Math.min(...certain.map((place) => events[place]!.endedMs));
    for (const place of left) {
      const event = events[place]!;
      if (event.beganMs > soonestMs) break;
      if (event.after !== undefined && !done.has(event.after)) continue;
      if (event.notAfter?.some((other) => done.has(other))) continue;
      for (const next of event.next(state, (other) => done.has(other))) {
        if (search(next, new Set(done).add(place))) return true;
      }
    }
    return false;
  };
  return search(initial, new Set()) ? undefined : stuck;
}
