/**
 * A lock between processes of one machine: an exclusive transaction on an empty SQLite file, hence a lock of the
 * operating system, which dies with its holder. A file that merely exists would outlive a kill -9.
 */
import Database from 'better-sqlite3';
import { makePrivateFile } from './private-file.js';

/** Held until released, or until the process ends in whatever way. */
export interface Lock {
  release(): void;
}

/** The lock, or undefined if another process (or this one) holds it. @throws Error if the file cannot be made. */
export function holdLock(file: string): Lock | undefined {
  // Whoever may read the file could hold a lock on it himself.
  makePrivateFile(file);
  const database = new Database(file, { timeout: 0 });
  try {
    database.pragma('locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}
