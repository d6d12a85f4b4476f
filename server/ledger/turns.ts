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
      throw tooMany();
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

/** Callers at one grant who want the same done: those who wait when a turn comes take it together. */
export class SharedTurns<Asked, Answer> {
  readonly #turns: Turns;
  readonly #costMax: number;
  readonly #costOf: (asked: Asked) => number;
  readonly #waiting = new Map<string, Caller<Asked, Answer>[]>();

  /** A turn is taken by as many as cost `costMax` together, or by one. */
  constructor(turns: Turns, costMax: number, costOf: (asked: Asked) => number) {
    this.#turns = turns;
    this.#costMax = costMax;
    this.#costOf = costOf;
  }

  /**
   * Runs `attempt`, which answers all whom it is given in their order, as `Turns.take` does.
   * @throws as `Turns.take` does: then nothing is known of any of them
   */
  take(key: string, asked: Asked, attempt: Attempt<Asked, Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(key) ?? [];
      if (waiting.length >= LEDGER_LIMITS.turnsWaitingMax) {
        reject(tooMany());
        return;
      }
      waiting.push({ asked, resolve, reject });
      if (waiting.length > 1) return;
      this.#waiting.set(key, waiting);
      void this.#serve(key, waiting, attempt);
    });
  }

  async #serve(
    key: string,
    waiting: Caller<Asked, Answer>[],
    attempt: Attempt<Asked, Answer>,
  ): Promise<void> {
    while (waiting.length > 0) {
      let callers: Caller<Asked, Answer>[] = [];
      try {
        const answers = await this.#turns.take(key, () => {
          callers = this.#first(waiting);
          return attempt(callers.map(({ asked }) => asked));
        });
        callers.forEach(({ resolve }, at) => resolve(answers[at]!));
      } catch (error) {
        // Without a turn there were no callers of it: then it is for all who wait.
        if (callers.length === 0) callers = [...waiting];
        for (const { reject } of callers) reject(error);
      }
      waiting.splice(0, callers.length);
    }
    this.#waiting.delete(key);
  }

  #first(waiting: readonly Caller<Asked, Answer>[]): Caller<Asked, Answer>[] {
    let cost = 0;
    const over = waiting.findIndex(
      ({ asked }, at) => (cost += this.#costOf(asked)) > this.#costMax && at > 0,
    );
    return waiting.slice(0, over === -1 ? waiting.length : over);
  }
}

type Attempt<Asked, Answer> = (asked: readonly Asked[]) => Promise<readonly Answer[]>;

interface Caller<Asked, Answer> {
  readonly asked: Asked;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

function tooMany(): StoreUnavailable {
  return new StoreUnavailable('too many callers wait for this grant: ask again later');
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
