/**
 * What is read from the file. Reading waits for nobody: in write-ahead mode a reader sees the last commit while the
 * next is written. docs/decisions.md, "The store's engine has a thread".
 */
import Database from 'better-sqlite3';
import type { Change, Range, Row } from '../store.js';

/** `gap`: changes after the asked revision are gone. Otherwise all of the prefix up to `upTo`: the head, or a page's end. */
export type ChangesPage =
  | { readonly gap: true }
  | { readonly gap: false; readonly changes: readonly Change[]; readonly upTo: number };

/** Transactions a page of changes looks at: bounds the time that a watch holds the thread. */
const transactionsPerPage = 500;
/** Above every key that begins with a prefix: keys end at 0x7e. */
const pastEveryKey = '\x7f';
/** With it a key is the least that comes after that key. */
const nextToKey = '\0';

export interface State {
  readonly revision: number;
  /** The newest revision that watches are told of. */
  readonly told: number;
  /** Transactions in the log of changes. */
  readonly logged: number;
  readonly trimmed: number;
}

interface ChangeRecord {
  readonly revision: number;
  readonly key: string;
  readonly value: Uint8Array | null;
}

export class Reads {
  readonly #db: Database.Database;
  readonly #sql: ReturnType<typeof prepareReads>;
  readonly #getAll: (keys: readonly string[]) => (Row | undefined)[];
  #head = 0;
  #dataVersion: number | undefined;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#sql = prepareReads(db);
    this.#getAll = db.transaction((keys: readonly string[]) => keys.map((key) => this.get(key)));
  }

  /** Of a file that was opened for writing before, and is still. @throws SqliteError */
  static open(file: string): Reads {
    return new Reads(new Database(file, { readonly: true, timeout: 0 }));
  }

  close(): void {
    this.#db.close();
  }

  get(key: string): Row | undefined {
    const row = this.#sql.get.get(key);
    return row && plain(row);
  }

  /** The rows of one moment. */
  getAll(keys: readonly string[]): (Row | undefined)[] {
    return this.#getAll(keys);
  }

  list({ prefix, after = '', limit = -1 }: Range): Row[] {
    // One lower bound: of two, SQLite seeks by the first and reads every row up to the other.
    const from = after < prefix ? prefix : after + nextToKey;
    return this.#sql.list.all(from, prefix + pastEveryKey, limit).map(plain);
  }

  /** The newest revision that watches are told of. Costs a read of the file's header while nobody writes. */
  head(): number {
    const dataVersion = this.#sql.dataVersion.get();
    if (dataVersion !== this.#dataVersion) {
      this.#head = this.state().told;
      this.#dataVersion = dataVersion;
    }
    return this.#head;
  }

  changes(prefix: string, after: number): ChangesPage {
    return this.#db.transaction((): ChangesPage => {
      const { revision, told, trimmed } = this.state();
      if (after < trimmed || after > revision) return { gap: true };
      const upTo = this.nth(after, transactionsPerPage) ?? told;
      const records = this.#sql.changes.all(after, upTo, prefix, prefix + pastEveryKey);
      return { gap: false, changes: records.map(toChange), upTo };
    })();
  }

  /** Whether there are leases for `expire` to end. */
  hasExpired(nowMs: number): boolean {
    return this.#sql.expired.get(nowMs, nowMs) !== undefined;
  }

  /** The revision of the transaction that is so many further in the log of changes. */
  protected nth(after: number, transactions: number): number | undefined {
    return this.#sql.nth.get(after, transactions - 1);
  }

  protected state(): State {
    return this.#sql.state.get()!;
  }

  /** This connection wrote, which its `data_version` does not show. */
  protected wrote(): void {
    this.#dataVersion = undefined;
  }
}

function toChange({ revision, key, value }: ChangeRecord): Change {
  return value === null
    ? { type: 'delete', key, revision }
    : { type: 'put', row: plain({ key, value, revision }) };
}

/** The driver gives Buffers; what is made of a row is compared and kept as what the contract says. */
function plain({ key, value, revision }: Row): Row {
  return { key, value: new Uint8Array(value.buffer, value.byteOffset, value.byteLength), revision };
}

function prepareReads(db: Database.Database) {
  return {
    dataVersion: db.prepare<[], number>('PRAGMA data_version').pluck(),
    state: db.prepare<[], State>('SELECT revision, told, logged, trimmed FROM state'),
    get: db.prepare<[string], Row>('SELECT key, value, revision FROM rows WHERE key = ?'),
    list: db.prepare<[string, string, number], Row>(
      'SELECT key, value, revision FROM rows WHERE key >= ? AND key < ? ORDER BY key LIMIT ?',
    ),
    changes: db.prepare<[number, number, string, string], ChangeRecord>(
      `SELECT revision, key, value FROM changes
       WHERE revision > ? AND revision <= ? AND key >= ? AND key < ? ORDER BY revision, position`,
    ),
    nth: db
      .prepare<[number, number], number>(
        'SELECT revision FROM changes WHERE revision > ? AND position = 0 ORDER BY revision LIMIT 1 OFFSET ?',
      )
      .pluck(),
    expired: db
      .prepare<[number, number], string>(
        'SELECT id FROM leases WHERE renewed_ms > ? + ttl_ms OR renewed_ms + ttl_ms <= ?',
      )
      .pluck(),
  };
}
