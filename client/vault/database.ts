/**
 * The vault's SQLite file: opened, brought up to date, and spoken to through a few verbs. WAL, because `up` and
 * commands work on it at once; synchronous=FULL, because what was acknowledged must outlive a power failure.
 * Calls are synchronous: a write is one small transaction and one fsync.
 */
import Database from 'better-sqlite3';
import { VaultError, translating } from './failures.js';
import { makePrivateFile } from './home.js';
import type { Home } from './home.js';
import { VAULT_LIMITS } from './limits.js';
import { applicationId, migrations } from './schema.js';

export type Column = Buffer | string | number | null;
export type Row = Readonly<Record<string, Column>>;
/** What a statement is given, by the names it uses (`@name`); `undefined` is stored as null. */
export type Values = Readonly<Record<string, Uint8Array | string | number | boolean | undefined>>;

export class VaultDatabase {
  readonly #database: Database.Database;
  readonly #folder: string;
  readonly #statements = new Map<string, Database.Statement>();

  private constructor(database: Database.Database, folder: string) {
    this.#database = database;
    this.#folder = folder;
  }

  /** @throws VaultError if the file is no vault, is a newer one, or cannot be used */
  static open(home: Home): VaultDatabase {
    makePrivateFile(home.database);
    return translating(home.folder, () => {
      const database = new Database(home.database, { timeout: VAULT_LIMITS.busyMs });
      try {
        prepare(database, home.folder);
      } catch (error) {
        database.close();
        throw error;
      }
      return new VaultDatabase(database, home.folder);
    });
  }

  one<T>(map: (row: Row) => T, sql: string, values: Values = {}): T | undefined {
    const row = translating(this.#folder, () => this.#statement(sql).get(stored(values)));
    return row === undefined ? undefined : map(row as Row);
  }

  all<T>(map: (row: Row) => T, sql: string, values: Values = {}): T[] {
    const rows = translating(this.#folder, () => this.#statement(sql).all(stored(values)));
    return (rows as Row[]).map(map);
  }

  /** How many rows it changed. */
  run(sql: string, values: Values = {}): number {
    return translating(this.#folder, () => this.#statement(sql).run(stored(values))).changes;
  }

  /** One row, its columns by name; `onConflict` as in `INSERT OR ...`. How many rows it made. */
  insert(table: string, values: Values, onConflict: 'ABORT' | 'IGNORE' | 'REPLACE' = 'ABORT'): number {
    const names = Object.keys(values);
    const columns = names.join(', ');
    const parameters = names.map((name) => `@${name}`).join(', ');
    return this.run(`INSERT OR ${onConflict} INTO ${table} (${columns}) VALUES (${parameters})`, values);
  }

  /** All of it or nothing, durable on return. Within another it becomes part of that one. */
  transact<T>(act: () => T): T {
    if (this.#database.inTransaction) return act();
    return translating(this.#folder, () => this.#database.transaction(act).immediate());
  }

  /** Every row of every table, and what the log of SQLite still has of them. */
  wipe(): void {
    this.transact(() => {
      const tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
      for (const name of this.all((row) => String(row['name']), tables)) this.run(`DELETE FROM ${name}`);
    });
    translating(this.#folder, () => this.#database.pragma('wal_checkpoint(TRUNCATE)'));
  }

  close(): void {
    this.#database.close();
  }

  #statement(sql: string): Database.Statement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function stored(values: Values): Record<string, Column | Uint8Array> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value === undefined ? null : typeof value === 'boolean' ? Number(value) : value,
    ]),
  );
}

function prepare(database: Database.Database, folder: string): void {
  refuseStranger(database, folder);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma('secure_delete = ON');
  if (readNumber(database, 'user_version') !== migrations.length) migrate(database, folder);
}

/** Tables are counted before the mark is read: another process may be making both right now. */
function refuseStranger(database: Database.Database, folder: string): void {
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (tables === 0 || readNumber(database, 'application_id') === applicationId) return;
  throw new VaultError(
    'not-a-vault',
    `the vault.db in ${folder} belongs to another program: set GLIMPSE_HOME to another folder`,
  );
}

/** In one transaction, and looked at again inside it: two processes may have found the same empty file. */
function migrate(database: Database.Database, folder: string): void {
  const step = database.transaction(() => {
    const version = readNumber(database, 'user_version');
    if (version > migrations.length) {
      throw new VaultError(
        'newer',
        `the vault in ${folder} was written by a newer version of glimpse: update this one`,
      );
    }
    for (const sql of migrations.slice(version)) database.exec(sql);
    database.pragma(`application_id = ${applicationId}`);
    database.pragma(`user_version = ${migrations.length}`);
  });
  step.immediate();
}

function readNumber(database: Database.Database, pragma: string): number {
  return database.pragma(pragma, { simple: true }) as number;
}
