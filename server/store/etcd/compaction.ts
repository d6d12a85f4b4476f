/** Compaction on a timer: etcd keeps every superseded row until somebody says how far it may forget. */
import { KV } from '../../../gen/etcd/etcdserverpb/rpc_pb.js';
import type { Calls } from './calls.js';
import { EtcdFailure } from './failure.js';
import { ETCD_LIMITS } from './limits.js';

export class Compaction {
  readonly #calls: Calls;
  readonly #failed: (cause: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #before: number;

  /** Every server does it; that another was first is no failure. */
  constructor(calls: Calls, failed: (cause: unknown) => void) {
    this.#calls = calls;
    this.#failed = failed;
    this.#before = calls.revision;
    this.#timer = setInterval(() => void this.compact(), ETCD_LIMITS.compactMs).unref();
  }

  /** Forgets what was superseded before the last time. */
  async compact(): Promise<void> {
    const revision = BigInt(this.#before);
    this.#before = this.#calls.revision;
    try {
      await this.#calls.repeat(KV.method.compact, { revision });
    } catch (error) {
      if (!(error instanceof EtcdFailure && error.type === 'compacted')) this.#failed(error);
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
