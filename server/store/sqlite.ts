/**
 * The embedded engine of the store: an SQLite file in write-ahead mode, shared by the server processes of one
 * machine; what is acknowledged is on the disk. docs/architecture.md, "The embedded store". It does not reach
 * beyond one machine: network file systems have no shared memory for it.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../core/folder.js';
import { checkKey, checkKeys, checkPrefix, checkRange, checkTransaction, checkTtl } from './limits.js';
import { STORE_LIMITS, StoreUnavailable } from './store.js';
import type { Change, Compare, Lease, Range, Row, Store, TransactionResult, Write } from './store.js';
import { Batches } from './sqlite/batches.js';
import { Connection } from './sqlite/connection.js';
import type { EngineWrite, Outcome, Transaction } from './sqlite/engine.js';
import { failureOf } from './sqlite/failure.js';
import { Leases } from './sqlite/leases.js';
import { packTransactions, unpackOutcomes } from './sqlite/packing.js';
import { Watches } from './sqlite/watches.js';

export interface SqliteStoreOptions {
  /** Made if absent, for its user only; the file in it is `store.sqlite`. */
  readonly directory: string;
  /** A clock that all processes of the machine share and that never goes back; the machine's own if absent. */
  readonly monotonicMs?: () => number;
}

/** Opens or creates the store. @throws StoreUnavailable with what to do about it */
export async function openSqliteStore({
  directory,
  monotonicMs = uptimeMs,
}: SqliteStoreOptions): Promise<Store> {
  const file = path.join(path.resolve(directory), 'store.sqlite');
  await makePrivate(file);
  const connection = new Connection(file);
  try {
    await connection.open();
  } catch (error) {
    await connection.close();
    throw error;
  }
  return new SqliteStore(connection, monotonicMs);
}

/** Since the machine started: the same for every process. */
function uptimeMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** The engine gives its side files the mode of the main one. */
async function makePrivate(file: string): Promise<void> {
  try {
    makeFolder(path.dirname(file), 0o700);
    const handle = await open(file, 'a', 0o600);
    await handle.chmod(0o600).finally(() => handle.close());
  } catch (error) {
    const failure = failureOf(error, file);
    throw failure?.type === 'unavailable' ? new StoreUnavailable(failure.message, { cause: error }) : error;
  }
}

class SqliteStore implements Store {
  readonly #connection: Connection;
  readonly #commits: Batches<Transaction, Outcome>;
  readonly #watches: Watches;
  readonly #leases: Leases;

  constructor(connection: Connection, monotonicMs: () => number) {
    this.#connection = connection;
    this.#watches = new Watches(connection);
    this.#commits = new Batches(connection, async (take) => {
      const { outcomes, head } = await connection.callPatiently('commit', () => packTransactions(take()));
      this.#watches.moved(head);
      return unpackOutcomes(outcomes);
    });
    this.#leases = new Leases(connection, (command) => connection.call('lease', () => command), monotonicMs);
  }

  async get(key: string): Promise<Row | undefined> {
    checkKey(key);
    return this.#connection.read((reads) => reads.get(key));
  }

  async getAll(keys: readonly string[]): Promise<readonly (Row | undefined)[]> {
    checkKeys(keys);
    return this.#connection.read((reads) => reads.getAll(keys));
  }

  async list(range: Range): Promise<readonly Row[]> {
    checkRange(range);
    return this.#connection.read((reads) => reads.list({ limit: STORE_LIMITS.listRowsMax, ...range }));
  }

  async transact(compares: readonly Compare[], writes: readonly Write[]): Promise<TransactionResult> {
    checkTransaction(compares, writes);
    const outcome = await this.#commits.submit({ compares, writes: writes.map(toEngineWrite) });
    if (outcome !== 'lease-ended') return outcome;
    throw new StoreUnavailable('the lease of this write has ended: grant another and write again');
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
    await this.#leases.close();
    await this.#connection.close();
    this.#watches.close();
  }
}

function toEngineWrite(write: Write): EngineWrite {
  if (write.type === 'delete') return write;
  const { type, key, value, quiet = false, lease } = write;
  return { type, key, value, quiet, lease: lease?.id ?? null };
}
