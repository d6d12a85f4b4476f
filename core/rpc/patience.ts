/**
 * Streams whose other end may fall silent: nobody holds memory or a place here for longer than is allowed, by doing
 * nothing or next to nothing.
 */
import { setImmediate } from 'node:timers/promises';

/** The same items. @throws what `late` makes, when the next one does not come in time */
export function inTime<T>(source: AsyncIterable<T>, idleMs: number, late: () => Error): Timed<T> {
  return timed(source, () => idleMs, late);
}

/** The same items. @throws what `late` makes, when the last one does not come in time */
export function allInTime<T>(source: AsyncIterable<T>, wholeMs: number, late: () => Error): Timed<T> {
  const endMs = performance.now() + wholeMs;
  return timed(source, () => Math.max(0, endMs - performance.now()), late);
}

type Timed<T> = AsyncGenerator<T, void, undefined>;

async function* timed<T>(source: AsyncIterable<T>, leftMs: () => number, late: () => Error): Timed<T> {
  const iterator = source[Symbol.asyncIterator]();
  let done = false;
  try {
    for (;;) {
      const next = await within(iterator.next(), leftMs(), late);
      done = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // Not awaited: a source that is late returns late.
    if (!done) void iterator.return?.().catch(() => undefined);
  }
}

/**
 * The same items, as long as they are taken in time: after that the source is closed, whether or not anybody asks
 * again. @throws what `late` makes, to one who asks too late
 */
export function takenInTime<T>(
  source: AsyncGenerator<T, void, undefined>,
  idleMs: number,
  late: () => Error,
): AsyncIterable<T> {
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const close = (): void => {
    closed = true;
    void source.return().catch(() => undefined);
  };
  const next = async (): Promise<IteratorResult<T, void>> => {
    clearTimeout(timer);
    if (closed) throw late();
    const result = await source.next();
    if (result.done !== true) timer = setTimeout(close, idleMs);
    return result;
  };
  const end = async (): Promise<IteratorResult<T, void>> => {
    clearTimeout(timer);
    return source.return();
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}

/** The promise. @throws what `late` makes, when it does not settle in time */
export async function within<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Looks at what the network has brought before anything is done that cannot be undone. A process that was stopped and
 * goes on finds a request and the end of its caller's patience together: two turns of the event loop tell of both.
 * @throws the signal's reason when nobody waits any more
 */
export async function stillAwaited(signal: AbortSignal): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await setImmediate();
  signal.throwIfAborted();
}
