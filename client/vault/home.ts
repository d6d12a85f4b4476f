/**
 * Where a client keeps what is its own: docs/architecture.md, "The vault". Paths only, and the folder itself;
 * what the files hold is the business of the classes beside this file.
 */
import { accessSync, chmodSync, constants, readdirSync } from 'node:fs';
import path from 'node:path';
import envPaths from 'env-paths';
import { makeFolder } from '../../core/folder.js';
import { translating } from './failures.js';

/** The paths below one home. The folder is for its owner alone: 0700, files 0600. */
export interface Home {
  readonly folder: string;
  /** SQLite: everything but pictures. */
  readonly database: string;
  /** Held by the one `up` of this vault. */
  readonly upLock: string;
  /** Received pictures, named for people. */
  readonly inbox: string;
  /** Pictures that have begun to come, named by snapshot. */
  readonly incoming: string;
  /** Hidden pictures that may be delivered again, named by seal id. */
  readonly carriers: string;
  /** The gallery's index and the owner's own thumbnails. */
  readonly thumbnails: string;
}

/** The home of whoever runs this process: GLIMPSE_HOME, or the platform's data directory. An absolute path. */
export function homeFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const chosen = environment['GLIMPSE_HOME'];
  return chosen === undefined || chosen === ''
    ? envPaths('glimpse', { suffix: '' }).data
    : path.resolve(chosen);
}

export function pathsOf(folder: string): Home {
  const below = (name: string) => path.join(folder, name);
  return {
    folder,
    database: below('vault.db'),
    upLock: below('up.lock'),
    inbox: below('inbox'),
    incoming: below('incoming'),
    carriers: below('carriers'),
    thumbnails: below('thumbnails'),
  };
}

/**
 * Makes the folders where they are missing. A folder that was there and is not empty keeps its mode: it may be
 * one that the user shares with other programs. @throws VaultError
 */
export function makeHome(folder: string): Home {
  const home = pathsOf(folder);
  translating(folder, () => {
    makeFolder(folder, 0o700);
    if (readdirSync(folder).length === 0) chmodSync(folder, 0o700);
    for (const below of [home.inbox, home.incoming, home.carriers, home.thumbnails]) {
      makeFolder(below, 0o700);
    }
    // SQLite would only say that it cannot open its file.
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  });
  return home;
}
