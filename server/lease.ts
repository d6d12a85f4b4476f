/**
 * The one lease of a server process. The sessions of its clients hang on it, so they go when the server is killed;
 * its row in the address book does not, since a server that comes back keeps its place. A lease that was lost is
 * granted anew, and whoever has rows on it writes them again. docs/protocol.md, "Discovery".
 */
import { EventEmitter, once } from 'node:events';
import pRetry from 'p-retry';
import type { Log } from './log.js';
import { StoreUnavailable } from './store/store.js';
import type { Lease, Store } from './store/store.js';

export const LEASE_LIMITS = {
  /** How long a writer waits for a lease in place of a lost one. Shorter sends clients away, longer keeps them. */
  heldMs: 2000,
} as const;

export class ServerLease {
  readonly #store: Store;
  readonly #log: Log;
  readonly #ttlMs: number;
  readonly #revoked = new AbortController();
  readonly #granted = new EventEmitter().setMaxListeners(0);
  #lease: Lease;

  private constructor(store: Store, ttlMs: number, log: Log, lease: Lease) {
    this.#store = store;
    this.#log = log;
    this.#ttlMs = ttlMs;
    this.#lease = lease;
    this.#guard();
  }

  /** @throws StoreUnavailable */
  static async grant(store: Store, ttlMs: number, log: Log): Promise<ServerLease> {
    return new ServerLease(store, ttlMs, log, await store.grantLease(ttlMs));
  }

  /** The lease that is held, or was last. */
  get current(): Lease {
    return this.#lease;
  }

  /** The lease to write rows with: if it was lost, the one that replaces it. @throws StoreUnavailable if that takes long */
  async held(): Promise<Lease> {
    if (!this.#lease.lost.aborted) return this.#lease;
    const signal = AbortSignal.any([AbortSignal.timeout(LEASE_LIMITS.heldMs), this.revoked]);
    try {
      await once(this.#granted, 'granted', { signal });
    } catch (cause) {
      throw new StoreUnavailable('this server has lost its lease: ask another', { cause });
    }
    return this.#lease;
  }

  /** Aborted when the server gives the lease up of its own accord: whatever hangs on it need not be tidied. */
  get revoked(): AbortSignal {
    return this.#revoked.signal;
  }

  /** Calls back after each lease that replaced a lost one: rows are to be written again. */
  onGranted(listener: () => void): void {
    this.#granted.on('granted', listener);
  }

  /** Ends the lease and deletes its rows. */
  async revoke(): Promise<void> {
    this.#revoked.abort();
    await this.#lease.revoke();
  }

  #isRevoked(): boolean {
    return this.#revoked.signal.aborted;
  }

  #guard(): void {
    const { lost } = this.#lease;
    if (lost.aborted) void this.#replace();
    else lost.addEventListener('abort', () => void this.#replace(), { once: true });
  }

  async #replace(): Promise<void> {
    if (this.#isRevoked()) return;
    this.#log('warn', 'lease lost');
    try {
      this.#lease = await pRetry(() => this.#store.grantLease(this.#ttlMs), {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: 100,
        maxTimeout: 1000,
        randomize: true,
        signal: this.#revoked.signal,
      });
    } catch (error) {
      if (this.#isRevoked()) return;
      throw error;
    }
    this.#log('info', 'lease granted anew');
    this.#guard();
    this.#granted.emit('granted');
  }
}
