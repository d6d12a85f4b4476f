/**
 * The one lease of a server process. Its row in the address book and the sessions of its clients hang on it, so
 * they go when the server is killed. A lease that was lost is granted anew, and whoever has rows on it writes
 * them again. docs/protocol.md, "Discovery".
 */
import pRetry from 'p-retry';
import type { Log } from './log.js';
import type { Lease, Store } from './store/store.js';

export class ServerLease {
  readonly #store: Store;
  readonly #log: Log;
  readonly #ttlMs: number;
  readonly #revoked = new AbortController();
  readonly #listeners = new Set<() => void>();
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

  /** The lease to write rows with. While it is lost and not yet granted anew, writing with it fails. */
  get current(): Lease {
    return this.#lease;
  }

  /** Aborted when the server gives the lease up of its own accord: whatever hangs on it need not be tidied. */
  get revoked(): AbortSignal {
    return this.#revoked.signal;
  }

  /** Calls back after each lease that replaced a lost one: rows are to be written again. */
  onGranted(listener: () => void): void {
    this.#listeners.add(listener);
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
    for (const listener of this.#listeners) listener();
  }
}
