/**
 * The members of etcd that were named. All stay connected, so that the next one is there when one fails. The first
 * that is connected is asked; one that failed is asked last for a while. In place of the circuit breakers and
 * retry policies of client libraries, which wait for seconds where etcd has a new leader after one.
 */
import { Metadata, status } from '@grpc/grpc-js';
import type { ChannelCredentials, ServiceError } from '@grpc/grpc-js';
import { KV } from '../../../gen/etcd/etcdserverpb/rpc_pb.js';
import { StoreUnavailable } from '../store.js';
import { Endpoint } from './endpoint.js';
import { ETCD_LIMITS } from './limits.js';

export class Endpoints {
  readonly #endpoints: readonly Endpoint[];
  readonly #nowMs: () => number;
  #changing: Promise<unknown> | undefined;
  #closed = false;

  /** `addresses` are host:port, the one to prefer first. */
  constructor(addresses: readonly string[], credentials: ChannelCredentials, nowMs: () => number) {
    this.#endpoints = addresses.map((address) => new Endpoint(address, credentials));
    this.#nowMs = nowMs;
  }

  /** A member that is connected. @throws StoreUnavailable if there is none by then */
  async ready(untilMs: number): Promise<Endpoint> {
    for (;;) {
      if (this.#closed) throw new StoreUnavailable('the store is closed');
      const nowMs = this.#nowMs();
      const ready = this.#endpoints.filter((endpoint) => endpoint.isReady());
      const chosen = ready.find((endpoint) => endpoint.isTrusted(nowMs)) ?? ready[0];
      if (chosen) return chosen;
      if (nowMs >= untilMs) throw new StoreUnavailable(await this.#whyNone());
      await this.#change();
    }
  }

  distrust(endpoint: Endpoint): void {
    endpoint.distrust(this.#nowMs());
  }

  close(): void {
    this.#closed = true;
    for (const endpoint of this.#endpoints) endpoint.close();
  }

  /** Whoever waits, waits for the same. */
  #change(): Promise<unknown> {
    const { pauseMs } = ETCD_LIMITS;
    this.#changing ??= Promise.race(this.#endpoints.map((endpoint) => endpoint.changed(pauseMs * 4))).finally(
      () => (this.#changing = undefined),
    );
    return this.#changing;
  }

  /** A connection tells why it failed only to calls. */
  async #whyNone(): Promise<string> {
    const causes = this.#endpoints.map(async (endpoint) => {
      try {
        await endpoint.ask(KV.method.range, {}, new Metadata(), ETCD_LIMITS.pauseMs);
        return `${endpoint.address}: busy`;
      } catch (error) {
        const { code, details } = error as ServiceError;
        return `${endpoint.address}: ${code === status.DEADLINE_EXCEEDED ? 'no answer' : reasonIn(details)}`;
      }
    });
    return `no member of etcd can be reached (${(await Promise.all(causes)).join('; ')}): check --store, and that etcd runs`;
  }
}

/** What grpc-js says around it is of no help. */
function reasonIn(details: string): string {
  return /Last error: (.*?)\.? Resolution note:/s.exec(details)?.[1] ?? details;
}
