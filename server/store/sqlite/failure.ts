/**
 * What may go wrong with the file, in words that say what to do. Errors lose their class on the way out of a
 * worker thread, so a failure is a value.
 */
import path from 'node:path';
import { SqliteError } from 'better-sqlite3';
import { WrongFile } from './schema.js';

/** `busy`: another process writes, nothing was done, try again. `unavailable`: see the message. */
export type Failure = { readonly type: 'busy' } | { readonly type: 'unavailable'; readonly message: string };

/** @returns undefined for what is no failure of the file but a bug */
export function failureOf(error: unknown, file: string): Failure | undefined {
  if (error instanceof WrongFile) return unavailable(`${file} cannot be used: ${error.message}`);
  const code = codeOf(error);
  if (code === undefined) return undefined;
  // PROTOCOL: too many processes opened the write-ahead log in one moment.
  if (/^SQLITE_(BUSY|PROTOCOL)/.test(code)) return { type: 'busy' };
  const advice = advices.find(([codes]) => codes.test(code))?.[1];
  return advice === undefined ? undefined : unavailable(advice(file, code));
}

function unavailable(message: string): Failure {
  return { type: 'unavailable', message };
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof SqliteError) return error.code;
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const advices: readonly (readonly [RegExp, (file: string, code: string) => string])[] = [
  [
    /^(SQLITE_FULL|SQLITE_IOERR_SHMSIZE|ENOSPC|EDQUOT)/,
    (file) => `the disk is full: free space in ${path.dirname(file)}; nothing that was acknowledged is lost`,
  ],
  [
    /^(SQLITE_READONLY|SQLITE_PERM|SQLITE_AUTH|SQLITE_CANTOPEN|EACCES|EPERM|EROFS|ENOENT|ENOTDIR|EEXIST|EISDIR)/,
    (file, code) =>
      `${file} cannot be written (${code}): check that its disk is mounted for writing and that the folder and its files belong to the user who runs the server`,
  ],
  [
    /^(SQLITE_CORRUPT|SQLITE_NOTADB|SQLITE_FORMAT)/,
    (file) =>
      `${file} is damaged: stop all servers, copy the folder, then restore a backup or recover it with "sqlite3 ${file} .recover"`,
  ],
  [
    /^(SQLITE_IOERR|EIO|EMFILE|ENFILE|SQLITE_NOMEM)/,
    (file, code) => `the disk of ${file} fails (${code}): look at the system’s log and check the disk`,
  ],
];
