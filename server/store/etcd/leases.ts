/** Leases of etcd, renewed by this process, which counts their time from when it asked: never longer than etcd. */
import { Lease as LeaseService } from '../../../gen/etcd/etcdserverpb/rpc_pb.js';
import { StoreUnavailable } from '../store.js';
import type { Lease } from '../store.js';
import type { Calls } from './calls.js';
import { EtcdFailure } from './failure.js';
import { ETCD_LIMITS } from './limits.js';

export class Leases {
  readonly #calls: Calls;
  readonly #nowMs: () => number;
  readonly #held = new Set<HeldLease>();

  constructor(calls: Calls, nowMs: () => number) {
    this.#calls = calls;
    this.#nowMs = nowMs;
  }

  /** @throws StoreUnavailable */
  async grant(ttlMs: number): Promise<HeldLease> {
    const askedAtMs = this.#nowMs();
    // etcd counts in seconds. A lease that was granted unheard ends by itself.
    const TTL = BigInt(Math.ceil(ttlMs / 1000));
    const { ID, error } = await this.#calls.repeat(LeaseService.method.leaseGrant, { TTL });
    if (error !== '') throw new StoreUnavailable(`etcd grants no lease: ${error}`);
    const lease = new HeldLease(ID, ttlMs, this.#calls, this.#nowMs, askedAtMs);
    this.#held.add(lease);
    lease.lost.addEventListener('abort', () => this.#held.delete(lease), { once: true });
    return lease;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#held].map((lease) => lease.revoke()));
  }
}

class HeldLease implements Lease {
  readonly id: string;
  readonly ttlMs: number;
  readonly lost: AbortSignal;
  readonly #number: bigint;
  readonly #calls: Calls;
  readonly #nowMs: () => number;
  readonly #losing = new AbortController();
  readonly #renewer: NodeJS.Timeout;
  #end: NodeJS.Timeout | undefined;

  constructor(number: bigint, ttlMs: number, calls: Calls, nowMs: () => number, askedAtMs: number) {
    this.id = String(number);
    this.ttlMs = ttlMs;
    this.lost = this.#losing.signal;
    this.#number = number;
    this.#calls = calls;
    this.#nowMs = nowMs;
    this.#keptSince(askedAtMs);
    // What cannot be renewed now may be renewed later; if not, its time runs out.
    this.#renewer = setInterval(
      () => void this.#renew().catch(() => undefined),
      ttlMs / ETCD_LIMITS.renewalsPerLife,
    ).unref();
  }

  async revoke(): Promise<void> {
    this.#lose('it was revoked');
    try {
      await this.#calls.repeat(LeaseService.method.leaseRevoke, { ID: this.#number });
    } catch (error) {
      if (!(error instanceof EtcdFailure && error.type === 'lease-ended')) throw error;
    }
  }

  async #renew(): Promise<void> {
    const askedAtMs = this.#nowMs();
    const { TTL } = await this.#calls.repeat(LeaseService.method.leaseKeepAlive, { ID: this.#number });
    if (TTL <= 0n) this.#lose('it was not renewed in time');
    else if (!this.lost.aborted) this.#keptSince(askedAtMs);
  }

  #keptSince(askedAtMs: number): void {
    clearTimeout(this.#end);
    const leftMs = askedAtMs + this.ttlMs - this.#nowMs();
    this.#end = setTimeout(() => this.#lose('it could not be renewed in time'), leftMs).unref();
  }

  #lose(why: string): void {
    clearInterval(this.#renewer);
    clearTimeout(this.#end);
    this.#losing.abort(new StoreUnavailable(`the lease has ended: ${why}; grant another and write again`));
  }
}
