/**
 * The embedded engine itself: one connection, every call synchronous, so it runs in a worker thread. It leaves
 * out waiting (a busy file throws at once), limits (../limits.ts) and watching (../sqlite/watches.ts asks for
 * `head` and `changes`). docs/architecture.md, "State".
 */
import Database from 'better-sqlite3';
import type { Change, Compare, Range, Row, TransactionResult } from '../store.js';
import { migrate } from './schema.js';

/** A write with its lease by name. */
export type EngineWrite =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array; readonly lease: string | null }
  | { readonly type: 'delete'; readonly key: string };

/** What changes the file; times are the machine's monotonic clock. */
export type Command =
  | {
      readonly type: 'transact';
      readonly compares: readonly Compare[];
      readonly writes: readonly EngineWrite[];
    }
  | { readonly type: 'grant'; readonly lease: string; readonly ttlMs: number; readonly nowMs: number }
  | { readonly type: 'renew'; readonly lease: string; readonly nowMs: number }
  | { readonly type: 'revoke'; readonly lease: string }
  | { readonly type: 'expire'; readonly nowMs: number };

/** Of a transaction its result; `lease-ended`: nothing was written, a lease that it needs is over. */
export type Outcome = TransactionResult | 'lease-ended';

/** `gap`: changes after the asked revision are gone. Otherwise all of the prefix up to `upTo`. */
export type ChangesPage =
  | { readonly gap: true }
  | { readonly gap: false; readonly changes: readonly Change[]; readonly upTo: number };

/** Revisions kept for watches: more let a stopped process catch up, fewer keep the file small. About 1 KiB each. */
const revisionsKept = 20_000;
/** Trimmed in lots, so that a commit seldom pays for it. */
const revisionsTrimmed = 1_000;
/** Revisions a page of changes looks at: bounds the time that a watch holds the thread. */
const revisionsPerPage = 500;
/** Above every key that begins with a prefix: keys end at 0x7e. */
const pastEveryKey = '\x7f';

interface State {
  readonly revision: number;
  readonly trimmed: number;
}

interface ChangeRecord {
  readonly revision: number;
  readonly key: string;
  readonly value: Uint8Array | null;
}

export class Engine {
  readonly #db: Database.Database;
  readonly #sql: ReturnType<typeof prepareAll>;
  readonly #commit: (commands: readonly Command[]) => Outcome[];
  #state: State;
  #dataVersion: unknown;

  /** Opens or creates the file, whose folder must exist. @throws SqliteError, WrongFile */
  constructor(file: string) {
    this.#db = new Database(file, { timeout: 0 });
    try {
      this.#db.pragma('journal_mode = WAL');
      this.#db.pragma('synchronous = FULL');
      // Without it macOS keeps the bytes in the drive's cache.
      this.#db.pragma('fullfsync = ON');
      migrate(this.#db);
      this.#sql = prepareAll(this.#db);
      this.#state = this.#readState();
    } catch (error) {
      this.#db.close();
      throw error;
    }
    const apply = this.#db.transaction((commands: readonly Command[]) => this.#applyAll(commands));
    this.#commit = (commands) => apply.immediate(commands);
  }

  close(): void {
    this.#db.close();
  }

  get(key: string): Row | undefined {
    return this.#sql.get.get(key);
  }

  list({ prefix, after = '', limit = -1 }: Range): Row[] {
    return this.#sql.list.all(prefix, after, prefix + pastEveryKey, limit);
  }

  /** The store's revision. Costs a read of the file's header while nobody writes. */
  head(): number {
    const dataVersion = this.#db.pragma('data_version', { simple: true });
    if (dataVersion !== this.#dataVersion) {
      this.#state = this.#readState();
      this.#dataVersion = dataVersion;
    }
    return this.#state.revision;
  }

  changes(prefix: string, after: number): ChangesPage {
    return this.#db.transaction((): ChangesPage => {
      const { revision, trimmed } = this.#readState();
      if (after < trimmed || after > revision) return { gap: true };
      const upTo = Math.min(revision, after + revisionsPerPage);
      const records = this.#sql.changes.all(after, upTo, prefix, prefix + pastEveryKey);
      return { gap: false, changes: records.map(toChange), upTo };
    })();
  }

  /** Whether there are leases for `expire` to end. */
  hasExpired(nowMs: number): boolean {
    return this.#sql.expired.get(nowMs, nowMs) !== undefined;
  }

  /** Does all in one durable commit; the outcome of each is its own. @throws SqliteError: then none was done */
  commit(commands: readonly Command[]): { readonly outcomes: Outcome[]; readonly head: number } {
    try {
      return { outcomes: this.#commit(commands), head: this.#state.revision };
    } catch (error) {
      this.#dataVersion = undefined;
      throw error;
    }
  }

  #applyAll(commands: readonly Command[]): Outcome[] {
    const before = this.#readState();
    this.#state = before;
    const outcomes = commands.map((command) => this.#apply(command));
    const { revision } = this.#state;
    if (revision !== before.revision) {
      const trimmed = this.#trim(before.trimmed, revision - revisionsKept);
      this.#state = { revision, trimmed };
      this.#sql.setState.run(revision, trimmed);
    }
    return outcomes;
  }

  #trim(trimmed: number, upTo: number): number {
    if (upTo - trimmed < revisionsTrimmed) return trimmed;
    this.#sql.trim.run(upTo);
    return upTo;
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
    let position = 0;
    for (const write of writes) {
      if (write.type === 'put') {
        this.#sql.put.run(write.key, write.value, revision, write.lease);
        this.#sql.change.run(revision, position++, write.key, write.value);
      } else if (this.#sql.delete.run(write.key).changes > 0) {
        this.#sql.change.run(revision, position++, write.key, null);
      }
    }
    return this.#done(position > 0);
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
    return this.#done(keys.length > 0);
  }

  #done(changed = false): Outcome {
    if (changed) this.#state = { ...this.#state, revision: this.#state.revision + 1 };
    return { ok: true, revision: this.#state.revision };
  }

  #readState(): State {
    return this.#sql.state.get()!;
  }
}

function toChange({ revision, key, value }: ChangeRecord): Change {
  return value === null ? { type: 'delete', key, revision } : { type: 'put', row: { key, value, revision } };
}

function prepareAll(db: Database.Database) {
  return {
    state: db.prepare<[], State>('SELECT revision, trimmed FROM state'),
    setState: db.prepare<[number, number]>('UPDATE state SET revision = ?, trimmed = ?'),
    get: db.prepare<[string], Row>('SELECT key, value, revision FROM rows WHERE key = ?'),
    list: db.prepare<[string, string, string, number], Row>(
      'SELECT key, value, revision FROM rows WHERE key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?',
    ),
    revisionOf: db.prepare<[string], number>('SELECT revision FROM rows WHERE key = ?').pluck(),
    put: db.prepare<[string, Uint8Array, number, string | null]>(
      'INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)',
    ),
    delete: db.prepare<[string]>('DELETE FROM rows WHERE key = ?'),
    change: db.prepare<[number, number, string, Uint8Array | null]>(
      'INSERT INTO changes VALUES (?, ?, ?, ?)',
    ),
    changes: db.prepare<[number, number, string, string], ChangeRecord>(
      `SELECT revision, key, value FROM changes
       WHERE revision > ? AND revision <= ? AND key >= ? AND key < ? ORDER BY revision, position`,
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
