/**
 * Leases: a row with its time that this process renews, and whose end any process carries out. Times are the
 * machine's monotonic clock, which all processes share and nobody sets.
 */
import { randomUUID } from 'node:crypto';
import { StoreUnavailable } from '../store.js';
import type { Lease } from '../store.js';
import type { Connection } from './connection.js';
import type { LeaseCommand, Outcome } from './engine.js';

/** Carries a command out, durably. */
type Command = (command: LeaseCommand) => Promise<Outcome>;

/** A lease is renewed so many times in its life: more ride out a slow disk, fewer write less. */
const renewalsPerLife = 4;
/** How often each process looks for leases that are over: a killed process's rows stay that much longer. */
const sweepMs = 200;

export class Leases {
  readonly #connection: Connection;
  readonly #command: Command;
  readonly #nowMs: () => number;
  readonly #held = new Set<HeldLease>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(connection: Connection, command: Command, nowMs: () => number) {
    this.#connection = connection;
    this.#command = command;
    this.#nowMs = nowMs;
    // A sweep that fails is made up for by the next, here or in another process.
    this.#sweeper = setInterval(() => void this.#sweep().catch(() => undefined), sweepMs).unref();
  }

  /** @throws StoreUnavailable */
  async grant(ttlMs: number): Promise<HeldLease> {
    const nowMs = this.#nowMs();
    const id = randomUUID();
    await this.#command({ type: 'grant', lease: id, ttlMs, nowMs });
    const lease = new HeldLease(id, ttlMs, this.#command, this.#nowMs, nowMs);
    this.#held.add(lease);
    lease.lost.addEventListener('abort', () => this.#held.delete(lease), { once: true });
    return lease;
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await Promise.allSettled([...this.#held].map((lease) => lease.revoke()));
  }

  async #sweep(): Promise<void> {
    const nowMs = this.#nowMs();
    if (await this.#connection.read((reads) => reads.hasExpired(nowMs))) {
      await this.#command({ type: 'expire', nowMs });
    }
  }
}

class HeldLease implements Lease {
  readonly id: string;
  readonly ttlMs: number;
  readonly lost: AbortSignal;
  readonly #command: Command;
  readonly #nowMs: () => number;
  readonly #losing = new AbortController();
  readonly #renewer: NodeJS.Timeout;
  #end: NodeJS.Timeout | undefined;

  constructor(id: string, ttlMs: number, command: Command, nowMs: () => number, grantedAtMs: number) {
    this.id = id;
    this.ttlMs = ttlMs;
    this.lost = this.#losing.signal;
    this.#command = command;
    this.#nowMs = nowMs;
    this.#keptSince(grantedAtMs);
    // What cannot be renewed now may be renewed later; if not, its time runs out.
    this.#renewer = setInterval(
      () => void this.#renew().catch(() => undefined),
      ttlMs / renewalsPerLife,
    ).unref();
  }

  async revoke(): Promise<void> {
    this.#lose('it was revoked');
    await this.#command({ type: 'revoke', lease: this.id });
  }

  async #renew(): Promise<void> {
    const nowMs = this.#nowMs();
    const outcome = await this.#command({ type: 'renew', lease: this.id, nowMs });
    if (outcome === 'lease-ended') this.#lose('it was not renewed in time');
    else if (!this.lost.aborted) this.#keptSince(nowMs);
  }

  /** Others count from when this process asked, so it counts from there too. */
  #keptSince(renewedAtMs: number): void {
    clearTimeout(this.#end);
    const leftMs = renewedAtMs + this.ttlMs - this.#nowMs();
    this.#end = setTimeout(() => this.#lose('it could not be renewed in time'), leftMs).unref();
  }

  #lose(why: string): void {
    clearInterval(this.#renewer);
    clearTimeout(this.#end);
    this.#losing.abort(new StoreUnavailable(`the lease has ended: ${why}; grant another and write again`));
  }
}
