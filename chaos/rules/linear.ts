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

/** So many that could not be explained are told: the first says most. */
const toldMax = 3;

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
  const soonestFrom = soonestEnds(order.map((place) => events[place]!));
  const done = new Set<number>();
  const seen = new Set<string>();
  let certainLeft = events.filter(({ isCertain }) => isCertain).length;
  let most = -1;
  let stuck: readonly string[] = [];
  const certain = (place: number): boolean => events[place]!.isCertain;

  const nextCertain = (from: number): readonly string[] => {
    const names: string[] = [];
    for (let index = from; index < order.length && names.length < toldMax; index += 1) {
      const place = order[index]!;
      if (certain(place) && !done.has(place)) names.push(events[place]!.name);
    }
    return names;
  };

  /** All before `after` in the order took effect, and nothing from `to` on. */
  const search = (state: State, after: number, to: number): boolean => {
    if (certainLeft === 0) return true;
    let from = after;
    while (done.has(order[from]!)) from += 1;
    const early = order.slice(from, to).filter((place) => !done.has(place));
    const memory = `${key(state)} ${early.join(',')} ${to}`;
    if (seen.has(memory)) return false;
    seen.add(memory);
    if (done.size > most) {
      most = done.size;
      stuck = nextCertain(from);
    }
    const ends = early.filter(certain).map((place) => events[place]!.endedMs);
    const soonestMs = Math.min(...ends, soonestFrom[to]!);
    for (let index = from; index < order.length; index += 1) {
      const place = order[index]!;
      const event = events[place]!;
      if (event.beganMs > soonestMs) break;
      if (done.has(place)) continue;
      if (event.after !== undefined && !done.has(event.after)) continue;
      if (event.notAfter?.some((other) => done.has(other))) continue;
      for (const next of event.next(state, (other) => done.has(other))) {
        done.add(place);
        certainLeft -= event.isCertain ? 1 : 0;
        if (search(next, from, Math.max(to, index + 1))) return true;
        certainLeft += event.isCertain ? 1 : 0;
        done.delete(place);
      }
    }
    return false;
  };
  return search(initial, 0, 0) ? undefined : stuck;
}

/** By place: when the soonest of the certain ones from there on ends. */
function soonestEnds(events: readonly Pick<Event<never>, 'endedMs' | 'isCertain'>[]): readonly number[] {
  const ends = Array.from({ length: events.length + 1 }, () => Infinity);
  for (let place = events.length - 1; place >= 0; place -= 1) {
    const { isCertain, endedMs } = events[place]!;
    ends[place] = Math.min(ends[place + 1]!, isCertain ? endedMs : Infinity);
  }
  return ends;
}
