/**
 * One writer at a time for each grant in this process, so that its callers do not beat each other; processes
 * that meet at one grant still do, and try again. The store's compare-and-swap decides; this only saves work.
 */
import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import pRetry from 'p-retry';
import { StoreUnavailable } from '../store/store.js';
import type { Compare, Store, Write } from '../store/store.js';
import { LEDGER_LIMITS } from './limits.js';

/** What was read had changed before it was written. */
class Beaten extends Error {}

export class Turns {
  readonly #limits = new Map<string, LimitFunction>();
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /**
   * Runs `attempt` alone, and again as often as its `commit` is beaten.
   * @throws StoreUnavailable when its turn does not come; what `attempt` throws
   */
  async take<T>(key: string, attempt: () => Promise<T>): Promise<T> {
    const limit = this.#limits.get(key) ?? pLimit(1);
    if (limit.pendingCount >= LEDGER_LIMITS.turnsWaitingMax) {
      throw new StoreUnavailable('too many callers wait for this grant: ask again later');
    }
    this.#limits.set(key, limit);
    const sinceMs = this.#monotonicMs();
    try {
      return await limit(() => {
        if (this.#monotonicMs() - sinceMs > LEDGER_LIMITS.turnMs) {
          throw new StoreUnavailable('this grant is in too much use: ask again later');
        }
        return persist(attempt);
      });
    } finally {
      if (limit.activeCount + limit.pendingCount === 0) this.#limits.delete(key);
    }
  }
}

/** Writes if all compares hold; otherwise the turn's attempt is made again. @throws StoreUnavailable */
export async function commit(
  store: Store,
  compares: readonly Compare[],
  writes: readonly Write[],
): Promise<void> {
  const result = await store.transact(compares, writes);
  if (!result.ok) throw new Beaten('another process was first');
}

async function persist<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await pRetry(attempt, {
      retries: LEDGER_LIMITS.beatenMax,
      minTimeout: 1,
      factor: 1.1,
      maxTimeout: 50,
      randomize: true,
      shouldRetry: ({ error }) => error instanceof Beaten,
    });
  } catch (error) {
    if (!(error instanceof Beaten)) throw error;
    throw new StoreUnavailable('other servers write to this grant all the time: ask again later', {
      cause: error,
    });
  }
}
