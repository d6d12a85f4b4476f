/** Holds callers to their rates: the buckets of all of them, bounded, by the monotonic clock that is passed in. */
import { LRUCache } from 'lru-cache';
import { tryLater } from '../../core/rpc/errors.js';
import { take } from './rules/bucket.js';
import type { Bucket } from './rules/bucket.js';
import { RATES, RATE_LIMITS } from './limits.js';

export class Rates {
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, LRUCache<string, Bucket>>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Counts one call of the method. @param caller a name, or an address @throws Refused TRY_LATER, and nothing is counted */
  count(method: string, caller: string): void {
    const kind = Object.hasOwn(RATES, method) ? method : 'Others';
    const rate = RATES[kind]!;
    const buckets = this.#of(kind);
    const taken = take(buckets.get(caller), rate, this.#nowMs());
    if (taken.ok) {
      buckets.set(caller, taken.bucket);
      return;
    }
    throw tryLater(
      `${caller} asks for ${method} more than ${rate.perSecond} times a second: wait a moment.`,
      [`${kind} a second`, rate.perSecond],
      taken.waitMs,
    );
  }

  #of(kind: string): LRUCache<string, Bucket> {
    const known = this.#buckets.get(kind);
    if (known) return known;
    const made = new LRUCache<string, Bucket>({ max: RATE_LIMITS.callersMax });
    this.#buckets.set(kind, made);
    return made;
  }
}
