/**
 * What a disk, or a vault on it, can refuse: one table from the codes of SQLite and of the system to words for
 * people. Every one of them ends a command with exit code 1.
 */

export type VaultProblem =
  | 'read-only'
  | 'full'
  | 'not-a-vault'
  | 'newer'
  | 'busy'
  | 'in-use'
  | 'taken'
  | 'locked'
  | 'wrong-passphrase'
  | 'damaged'
  | 'unusable';

/** The vault cannot do it; nothing was changed. The message says what to do next. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
  readonly problem: VaultProblem;

  constructor(problem: VaultProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

const damagedWords = (folder: string): string =>
  `the vault.db in ${folder} is damaged, or no vault: put back a copy of it, or set GLIMPSE_HOME to an empty folder ` +
  'and take your name there with the code that joining printed: glimpse join CODE --name NAME --recover RECOVERY';

/** What a vault is when its file lost what it held. */
export function damaged(folder: string): VaultError {
  return new VaultError('damaged', damagedWords(folder));
}

/** What a vault is whose keys are under a passphrase that was not given. */
export function locked(folder: string): VaultError {
  return new VaultError(
    'locked',
    `the vault in ${folder} is under a passphrase: run the command in a terminal, which asks for it, ` +
      'or name a file that holds it in GLIMPSE_PASSPHRASE_FILE',
  );
}

/** By the beginning of an error's code; the first that fits. */
const table: readonly (readonly [codes: RegExp, problem: VaultProblem, words: (folder: string) => string])[] =
  [
    [
      /^(?:SQLITE_READONLY|EROFS|EACCES|EPERM|SQLITE_PERM|SQLITE_AUTH)/,
      'read-only',
      (folder) =>
        `${folder} cannot be written: give yourself write access, or set GLIMPSE_HOME to another folder`,
    ],
    [
      /^(?:SQLITE_FULL|ENOSPC|EDQUOT)/,
      'full',
      (folder) => `the disk of ${folder} is full: make room and try again`,
    ],
    [/^SQLITE_(?:CORRUPT|NOTADB)/, 'damaged', damagedWords],
    [
      /^SQLITE_(?:BUSY|LOCKED)/,
      'busy',
      (folder) => `the vault in ${folder} is held by another program: close it and try again`,
    ],
    [
      /^(?:ENOTDIR|EEXIST)/,
      'not-a-vault',
      (folder) => `${folder} is in the way of a vault's folder: set GLIMPSE_HOME to another one`,
    ],
    [
      // Also what Node says of a folder that cannot be made on a read-only disk.
      /^ENOENT/,
      'unusable',
      (folder) =>
        `${folder} is missing and cannot be made: check its disk, or set GLIMPSE_HOME to another folder`,
    ],
    [
      /^(?:SQLITE_(?:CANTOPEN|IOERR)|E[A-Z]+$)/,
      'unusable',
      (folder) => `the vault in ${folder} cannot be used: check the folder and its disk`,
    ],
  ];

/** The error in a vault's words where the table has it, and as it is otherwise. */
export function inWords(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || error instanceof VaultError) return error;
  const code = (error as { readonly code?: unknown }).code;
  const row = typeof code === 'string' ? table.find(([codes]) => codes.test(code)) : undefined;
  if (!row) return error;
  const [, problem, words] = row;
  return new VaultError(problem, `${words(folder)} (${error.message})`, { cause: error });
}

/** @throws VaultError */
export function translating<T>(folder: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw inWords(error, folder);
  }
}

/** @throws VaultError */
export async function translatingAsync<T>(folder: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw inWords(error, folder);
  }
}
