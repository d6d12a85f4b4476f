/**
 * The embedded engine itself: one connection, every call synchronous, so it runs in a worker thread. It leaves
 * out waiting (a busy file throws at once), limits (../limits.ts) and watching (../sqlite/watches.ts asks for
 * `head` and `changes`). docs/architecture.md, "State".
 */
import Database from 'better-sqlite3';
import type { Compare, TransactionResult } from '../store.js';
import { Reads } from './reads.js';
import type { State } from './reads.js';
import { migrate } from './schema.js';

/** A write with its lease by name. */
export type EngineWrite = { readonly key: string; readonly quiet?: boolean } & (
  | { readonly type: 'put'; readonly value: Uint8Array; readonly lease: string | null }
  | { readonly type: 'delete' }
);

export interface Transaction {
  readonly compares: readonly Compare[];
  readonly writes: readonly EngineWrite[];
}

/** What changes the file; times are the machine's monotonic clock. */
export type Command = ({ readonly type: 'transact' } & Transaction) | LeaseCommand;

export type LeaseCommand =
  | { readonly type: 'grant'; readonly lease: string; readonly ttlMs: number; readonly nowMs: number }
  | { readonly type: 'renew'; readonly lease: string; readonly nowMs: number }
  | { readonly type: 'revoke'; readonly lease: string }
  | { readonly type: 'expire'; readonly nowMs: number };

/** Of a transaction its result; `lease-ended`: nothing was written, a lease that it needs is over. */
export type Outcome = TransactionResult | 'lease-ended';

/** Transactions kept for watches: more let a stopped process catch up, fewer keep the file small. About 1 KiB each. */
const transactionsKept = 20_000;
/** Trimmed in lots, so that a commit seldom pays for it. */
const transactionsTrimmed = 1_000;
/**
 * Pages of the write-ahead log, of 4 KiB, after which it is copied into the file. More copies a page that is written
 * often less often; fewer makes the commit that copies shorter (16 MiB: some 30 ms) and the log smaller.
 */
const checkpointPages = 4_000;

export class Engine extends Reads {
  readonly #sql: ReturnType<typeof prepareWrites>;
  readonly #commit: (commands: readonly Command[]) => Outcome[];
  #state: State;

  /** Opens or creates the file, whose folder must exist. @throws SqliteError, WrongFile */
  constructor(file: string) {
    const db = openForWriting(file);
    super(db);
    this.#sql = prepareWrites(db);
    this.#state = this.state();
    const apply = db.transaction((commands: readonly Command[]) => this.#applyAll(commands));
    this.#commit = (commands) => apply.immediate(commands);
  }

  /** Does all in one durable commit; the outcome of each is its own. @throws SqliteError: then none was done */
  commit(commands: readonly Command[]): { readonly outcomes: Outcome[]; readonly head: number } {
    this.wrote();
    return { outcomes: this.#commit(commands), head: this.#state.told };
  }

  #applyAll(commands: readonly Command[]): Outcome[] {
    const before = this.state();
    this.#state = before;
    const outcomes = commands.map((command) => this.#apply(command));
    if (this.#state.logged >= transactionsKept + transactionsTrimmed) this.#trim();
    const { revision, told, logged, trimmed } = this.#state;
    if (revision !== before.revision) this.#sql.setState.run(revision, told, logged, trimmed);
    return outcomes;
  }

  #trim(): void {
    const lot = this.#state.logged - transactionsKept;
    const trimmed = this.nth(0, lot)!;
    this.#sql.trim.run(trimmed);
    this.#state = { ...this.#state, logged: this.#state.logged - lot, trimmed };
  }

  #apply(command: Command): Outcome {
    switch (command.type) {
      case 'transact':
        return this.#transact(command.compares, command.writes);
      case 'grant':
        this.#sql.grant.run(command.lease, command.nowMs, command.ttlMs);
        return this.#done();
      case 'renew':
        return this.#renew(command.lease, command.nowMs);
      case 'revoke':
        return this.#end(command.lease);
      case 'expire':
        for (const lease of this.#sql.expired.all(command.nowMs, command.nowMs)) this.#end(lease);
        return this.#done();
    }
  }

  #transact(compares: readonly Compare[], writes: readonly EngineWrite[]): Outcome {
    const holds = ({ key, revision }: Compare) => (this.#sql.revisionOf.get(key) ?? 0) === revision;
    if (!compares.every(holds)) return { ok: false };
    const isHeld = (write: EngineWrite) =>
      write.type === 'delete' || write.lease === null || this.#sql.leaseOf.get(write.lease) !== undefined;
    if (!writes.every(isHeld)) return 'lease-ended';
    const revision = this.#state.revision + 1;
    let changed = false;
    let told = 0;
    for (const write of writes) {
      if (write.type === 'put') this.#sql.put.run(write.key, write.value, revision, write.lease);
      else if (this.#sql.delete.run(write.key).changes === 0) continue;
      changed = true;
      if (write.quiet) continue;
      this.#sql.change.run(revision, told++, write.key, write.type === 'put' ? write.value : null);
    }
    return this.#done(changed, told > 0);
  }

  #renew(lease: string, nowMs: number): Outcome {
    if (this.#sql.renew.run(nowMs, lease, nowMs, nowMs).changes > 0) return this.#done();
    this.#end(lease);
    return 'lease-ended';
  }

  #end(lease: string): Outcome {
    this.#sql.endLease.run(lease);
    const keys = this.#sql.deleteLeased.all(lease);
    const revision = this.#state.revision + 1;
    keys.forEach((key, position) => this.#sql.change.run(revision, position, key, null));
    return this.#done(keys.length > 0, keys.length > 0);
  }

  #done(changed = false, isTold = false): Outcome {
    const revision = this.#state.revision + (changed ? 1 : 0);
    this.#state = { ...this.#state, revision };
    if (isTold) this.#state = { ...this.#state, told: revision, logged: this.#state.logged + 1 };
    return { ok: true, revision };
  }
}

function openForWriting(file: string): Database.Database {
  const db = new Database(file, { timeout: 0 });
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    // Without it macOS keeps the bytes in the drive's cache.
    db.pragma('fullfsync = ON');
    db.pragma(`wal_autocheckpoint = ${checkpointPages}`);
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepareWrites(db: Database.Database) {
  return {
    setState: db.prepare<[number, number, number, number]>(
      'UPDATE state SET revision = ?, told = ?, logged = ?, trimmed = ?',
    ),
    revisionOf: db.prepare<[string], number>('SELECT revision FROM rows WHERE key = ?').pluck(),
    put: db.prepare<[string, Uint8Array, number, string | null]>(
      'INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)',
    ),
    delete: db.prepare<[string]>('DELETE FROM rows WHERE key = ?'),
    change: db.prepare<[number, number, string, Uint8Array | null]>(
      'INSERT INTO changes VALUES (?, ?, ?, ?)',
    ),
    trim: db.prepare<[number]>('DELETE FROM changes WHERE revision <= ?'),
    grant: db.prepare<[string, number, number]>('INSERT INTO leases VALUES (?, ?, ?)'),
    renew: db.prepare<[number, string, number, number]>(
      'UPDATE leases SET renewed_ms = ? WHERE id = ? AND renewed_ms <= ? + ttl_ms AND renewed_ms + ttl_ms > ?',
    ),
    leaseOf: db.prepare<[string], string>('SELECT id FROM leases WHERE id = ?').pluck(),
    endLease: db.prepare<[string]>('DELETE FROM leases WHERE id = ?'),
    deleteLeased: db.prepare<[string], string>('DELETE FROM rows WHERE lease = ? RETURNING key').pluck(),
    expired: db
      .prepare<[number, number], string>(
        'SELECT id FROM leases WHERE renewed_ms > ? + ttl_ms OR renewed_ms + ttl_ms <= ?',
      )
      .pluck(),
  };
}
