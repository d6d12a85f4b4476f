/**
 * Starts work on up to `ahead` items before their turn, and gives what was started in the order of the items. The first
 * is started alone: whoever waits for it has all cores.
 */
export function* startedInOrder<T, R>(
  items: readonly T[],
  ahead: number,
  start: (item: T) => R,
): Generator<R, void, undefined> {
  const started: R[] = [];
  for (let next = 0, most = 1; started.length > 0 || next < items.length; most = ahead) {
    while (next < items.length && started.length < most) started.push(start(items[next++]!));
    yield started.shift()!;
  }
}
