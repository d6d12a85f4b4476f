/**
 * The engine of the store beyond one machine: etcd, version 3.4 or later, through its own API (KV, Watch, Lease,
 * Auth). docs/architecture.md, "The engine over etcd". It elects nothing with it and locks nothing with it.
 */
import type { ChannelCredentials } from '@grpc/grpc-js';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { KV, Compare_CompareResult, Compare_CompareTarget } from '../../gen/etcd/etcdserverpb/rpc_pb.js';
import type { CompareSchema, RequestOpSchema } from '../../gen/etcd/etcdserverpb/rpc_pb.js';
import { Calls } from './etcd/calls.js';
import type { User } from './etcd/calls.js';
import { Compaction } from './etcd/compaction.js';
import { Endpoints } from './etcd/endpoints.js';
import { Keys } from './etcd/keys.js';
import { Leases } from './etcd/leases.js';
import { ETCD_LIMITS } from './etcd/limits.js';
import { Watches } from './etcd/watches.js';
import { checkKey, checkKeys, checkPrefix, checkRange, checkTransaction, checkTtl } from './limits.js';
import { STORE_LIMITS } from './store.js';
import type { Change, Compare, Lease, Range, Row, Store, TransactionResult, Write } from './store.js';

export interface EtcdStoreOptions {
  /** host:port of the members, the one to prefer first. */
  readonly members: readonly string[];
  /** Everything is below it; ASCII, ends with a slash. */
  readonly prefix: string;
  readonly credentials: ChannelCredentials;
  /** Who to sign in as, where etcd asks. */
  readonly user?: User | undefined;
  /** Told of what went wrong and hinders nobody yet. */
  readonly warn: (what: string, cause: unknown) => void;
}

/** Reaches etcd, or does not open. @throws StoreUnavailable with what to do about it */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const nowMs = (): number => performance.now();
  const endpoints = new Endpoints(options.members, options.credentials, nowMs);
  try {
    const calls = new Calls(endpoints, options.user, nowMs);
    const keys = new Keys(options.prefix);
    // Watches begin after a revision that is known: this is the first.
    await calls.repeat(KV.method.range, { ...keys.range('')!, limit: 1n, keysOnly: true });
    const compaction = new Compaction(calls, (cause) => options.warn('etcd cannot be compacted', cause));
    return new EtcdStore({ endpoints, calls, keys, compaction, nowMs });
  } catch (error) {
    endpoints.close();
    throw error;
  }
}

interface EtcdParts {
  readonly endpoints: Endpoints;
  readonly calls: Calls;
  readonly keys: Keys;
  readonly compaction: Compaction;
  readonly nowMs: () => number;
}

class EtcdStore implements Store {
  readonly #parts: EtcdParts;
  readonly #watches: Watches;
  readonly #leases: Leases;

  constructor(parts: EtcdParts) {
    this.#parts = parts;
    this.#watches = new Watches(parts.calls, parts.keys, parts.nowMs);
    this.#leases = new Leases(parts.calls, parts.nowMs);
  }

  async get(key: string): Promise<Row | undefined> {
    checkKey(key);
    const { calls, keys } = this.#parts;
    const { kvs } = await calls.repeat(KV.method.range, { key: keys.toEtcd(key) });
    return kvs[0] && keys.row(kvs[0]);
  }

  async getAll(asked: readonly string[]): Promise<readonly (Row | undefined)[]> {
    checkKeys(asked);
    const { calls, keys } = this.#parts;
    if (asked.length === 0) return [];
    const success = asked.map((key) => ({
      request: { case: 'requestRange' as const, value: { key: keys.toEtcd(key) } },
    }));
    // A transaction that only reads: all of one moment, and it may be done twice.
    const { responses } = await calls.repeat(KV.method.txn, { success });
    return responses.map(({ response }) => {
      const kv = response.case === 'responseRange' ? response.value.kvs[0] : undefined;
      return kv && keys.row(kv);
    });
  }

  async list(range: Range): Promise<readonly Row[]> {
    checkRange(range);
    const { calls, keys } = this.#parts;
    const { prefix, limit = STORE_LIMITS.listRowsMax } = range;
    const rows: Row[] = [];
    let revision = 0n;
    for (let after = range.after; rows.length < limit;) {
      const within = keys.range(prefix, after);
      if (!within) break;
      const pageRows = Math.min(limit - rows.length, ETCD_LIMITS.pageRows);
      // Later pages are of the same moment as the first.
      const page = await calls.repeat(KV.method.range, { ...within, limit: BigInt(pageRows), revision });
      rows.push(...page.kvs.map((kv) => keys.row(kv)));
      if (!page.more) break;
      after = rows.at(-1)!.key;
      revision ||= page.header?.revision ?? 0n;
    }
    return rows;
  }

  async transact(compares: readonly Compare[], writes: readonly Write[]): Promise<TransactionResult> {
    checkTransaction(compares, writes);
    const { succeeded, header } = await this.#parts.calls.once(KV.method.txn, {
      compare: compares.map((compare) => this.#compare(compare)),
      success: writes.map((write) => this.#operation(write)),
    });
    return succeeded ? { ok: true, revision: Number(header?.revision ?? 0) } : { ok: false };
  }

  async grantLease(ttlMs: number): Promise<Lease> {
    checkTtl(ttlMs);
    return this.#leases.grant(ttlMs);
  }

  watch(
    prefix: string,
    options: { readonly signal: AbortSignal; readonly fromRevision?: number },
  ): AsyncIterable<readonly Change[]> {
    checkPrefix(prefix);
    return this.#watches.watch(prefix, options.signal, options.fromRevision);
  }

  async close(): Promise<void> {
    this.#parts.compaction.close();
    await this.#leases.close();
    this.#watches.close();
    this.#parts.endpoints.close();
  }

  #compare({ key, revision }: Compare): MessageInitShape<typeof CompareSchema> {
    return {
      result: Compare_CompareResult.EQUAL,
      target: Compare_CompareTarget.MOD,
      key: this.#parts.keys.toEtcd(key),
      targetUnion: { case: 'modRevision', value: BigInt(revision) },
    };
  }

  #operation(write: Write): MessageInitShape<typeof RequestOpSchema> {
    const key = this.#parts.keys.toEtcd(write.key);
    if (write.type === 'delete') return { request: { case: 'requestDeleteRange', value: { key } } };
    const { value, lease } = write;
    return { request: { case: 'requestPut', value: { key, value, lease: lease ? BigInt(lease.id) : 0n } } };
  }
}
