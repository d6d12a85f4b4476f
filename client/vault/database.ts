/**
 * An SQLite file for its owner alone, spoken to through a few verbs. WAL, because `up` and commands work on it at
 * once. Calls are synchronous: a write is one small transaction, and durable if the file was prepared so.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { makePrivateFile } from '../../core/private-file.js';
import { damaged, translating } from './failures.js';

export type Column = Buffer | string | number | null;
export type Row = Readonly<Record<string, Column>>;
/** What a statement is given, by the names it uses (`@name`); `undefined` is stored as null. */
export type Values = Readonly<Record<string, Uint8Array | string | number | boolean | undefined>>;

export interface DatabaseOptions {
  /** How long a call waits, and the event loop with it, for another process to finish a write. */
  readonly busyMs: number;
  /** Brings tables and settings up to date. */
  readonly prepare: (database: Database.Database) => void;
}

/** The files of a database: itself, its log, and what its processes share. */
export const databaseEndings = ['', '-wal', '-shm'] as const;

export class PrivateDatabase {
  readonly #database: Database.Database;
  readonly #folder: string;
  readonly #statements = new Map<string, Database.Statement>();

  private constructor(database: Database.Database, folder: string) {
    this.#database = database;
    this.#folder = folder;
  }

  /** @throws VaultError; so all other methods */
  static open(file: string, { busyMs, prepare }: DatabaseOptions): PrivateDatabase {
    const folder = dirname(file);
    return translating(folder, () => {
      makeSure(file, prepare);
      return new PrivateDatabase(opened(file, { busyMs, prepare }), folder);
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

  /**
   * As `transact`, but a power failure may undo it, and whatever was written so since the last `transact`: for what
   * would then only be done again. Of a process that dies nothing is lost.
   */
  note<T>(act: () => T): T {
    if (this.#database.inTransaction) return act();
    this.#database.pragma('synchronous = NORMAL');
    try {
      return this.transact(act);
    } finally {
      this.#database.pragma('synchronous = FULL');
    }
  }

  /**
   * Nothing is left in the files of what was overwritten: `secure_delete` sees to the database, this to its log.
   * False if another process reads just now: then the log still has it.
   */
  scrub(): boolean {
    const sql = 'wal_checkpoint(TRUNCATE)';
    return translating(this.#folder, () => this.#database.pragma(sql, { simple: true })) === 0;
  }

  /** Every row of every table, and what the log of SQLite still has of them. */
  wipe(): void {
    this.transact(() => {
      const tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
      for (const name of this.all((row) => String(row['name']), tables)) this.run(`DELETE FROM ${name}`);
    });
    this.scrub();
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

function opened(file: string, { busyMs, prepare }: DatabaseOptions): Database.Database {
  const database = new Database(file, { timeout: busyMs });
  try {
    prepare(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * A database is made beside its place and put there whole, so that an empty file is never a beginning: it has lost
 * what it held, and so has a log without its file. @throws VaultError (damaged)
 */
function makeSure(file: string, prepare: DatabaseOptions['prepare']): void {
  const isLogged = existsSync(`${file}-wal`);
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats?.size === 0 || (isLogged && !stats)) throw damaged(dirname(file));
  if (!stats) make(file, prepare);
}

/** Another process may be first: then its database is the one. */
function make(file: string, prepare: DatabaseOptions['prepare']): void {
  const fresh = `${file}.${randomUUID()}`;
  try {
    makePrivateFile(fresh);
    opened(fresh, { busyMs: 0, prepare }).close();
    linkSync(fresh, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    for (const ending of databaseEndings) rmSync(fresh + ending, { force: true });
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
