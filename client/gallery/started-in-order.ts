/** Starts work on up to `ahead` items before their turn, and gives what was started in the order of the items. */
export function* startedInOrder<T, R>(
  items: readonly T[],
  ahead: number,
  start: (item: T) => R,
): Generator<R, void, undefined> {
  const started: R[] = [];
  for (let next = 0; started.length > 0 || next < items.length;) {
    while (next < items.length && started.length < ahead) started.push(start(items[next++]!));
    yield started.shift()!;
  }
}
