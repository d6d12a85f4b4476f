/** From an async iterable into a gRPC stream, never far ahead of what the wire takes. */
import { RPC_LIMITS } from './limits.js';

/** What a small message costs besides its bytes, roughly: many of them are bounded too. */
const messageOverheadBytes = 256;

interface Sink {
  write(bytes: Buffer, written: () => void): unknown;
}

/**
 * When a failure of the source is thrown: at once, where it cancels the call, or when all before it was written, where
 * it becomes the call's status. Told while a message is being written, grpc-js loses the status if the handler still
 * reads, and the other side waits for ever.
 */
type Failing = 'at once' | 'when written';

/**
 * Writes all of `source`, waiting whenever more than `RPC_LIMITS.unsentBytesMax` are not yet on their way.
 * @throws what the source throws, and the signal's reason; the source is then closed by its `return()`.
 */
export async function pump(
  source: AsyncIterable<Buffer>,
  sink: Sink,
  signal: AbortSignal,
  failing: Failing,
): Promise<void> {
  const iterator = source[Symbol.asyncIterator]();
  let unsentBytes = 0;
  let wake = (): void => undefined;
  let exhausted = false;
  const sent = async (allBut: number): Promise<void> => {
    while (unsentBytes > allBut) await orAborted(new Promise<void>((resolve) => (wake = resolve)), signal);
  };
  try {
    for (;;) {
      const next = await orAborted(iterator.next(), signal);
      exhausted = next.done === true;
      if (next.done === true) return;
      const cost = next.value.byteLength + messageOverheadBytes;
      unsentBytes += cost;
      sink.write(next.value, () => {
        unsentBytes -= cost;
        wake();
      });
      await sent(RPC_LIMITS.unsentBytesMax);
    }
  } catch (error) {
    if (failing === 'when written') await sent(0).catch(() => undefined);
    throw error;
  } finally {
    // Not awaited: a source that is busy returns when it can, and the call must not wait for it.
    if (!exhausted) void iterator.return?.().catch(() => undefined);
  }
}

/** The promise, or the signal's reason as a rejection, whichever comes first. Leaves no listener behind. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
