/**
 * Streams whose other end may fall silent: nobody holds a hiding's memory for longer than `idleMs` by doing
 * nothing. Timers are here and nowhere else in server/stego.
 */

/** The same items. @throws what `late` makes, when the next one does not come in time */
export async function* inTime<T>(
  source: AsyncIterable<T>,
  idleMs: number,
  late: () => Error,
): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let done = false;
  try {
    for (;;) {
      const next = await within(iterator.next(), idleMs, late);
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
