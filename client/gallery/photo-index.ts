/**
 * What earlier scans learned, so that a listing of known photos reads none of them: facts by path and stamp,
 * thumbnails by image id. A cache in SQLite, shared by the processes of one owner: losing it costs time alone,
 * so it is thrown away when it is damaged, of another version, or of another image key.
 */
import { createHmac } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import type Database from 'better-sqlite3';
import type { PhotoType } from '../../core/picture-kind.js';
import { PrivateDatabase, databaseEndings } from '../vault/database.js';
import type { Row } from '../vault/database.js';
import { VaultError } from '../vault/failures.js';
import type { VaultProblem } from '../vault/failures.js';
import { bytes, idsBeginningWith, text, whole } from '../vault/rows.js';
import type { Examined, PhotoFacts } from './examine.js';
import type { FoundFile } from './scan.js';

/** A file as it was found when it was looked at last: a photo, or why it is none. */
export type Known =
  | {
      readonly type: 'photo';
      readonly path: string;
      readonly facts: PhotoFacts;
      readonly thumbHash: Uint8Array;
    }
  | { readonly type: 'no-photo'; readonly path: string; readonly message: string };

const version = 1;
const busyMs = 2_000;
const thrownAway: ReadonlySet<VaultProblem> = new Set(['not-a-vault', 'damaged']);

const tables = `
  CREATE TABLE photos (
    path TEXT PRIMARY KEY, stamp TEXT NOT NULL, image_id BLOB, photo_bytes INTEGER, media_type TEXT,
    width INTEGER, height INTEGER, thumb_hash BLOB, trouble TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX photos_by_image ON photos (image_id);
  CREATE TABLE thumbnails (image_id BLOB PRIMARY KEY, picture BLOB NOT NULL) STRICT;
  CREATE TABLE made_with (image_key_mark BLOB NOT NULL) STRICT;
`;

export class PhotoIndex {
  readonly #database: PrivateDatabase;

  private constructor(database: PrivateDatabase) {
    this.#database = database;
  }

  /** @throws VaultError if neither the index that is there nor a new one can be used; so all other methods */
  static open(folder: string, imageKey: Uint8Array): PhotoIndex {
    const file = path.join(folder, 'index.db');
    const mark = createHmac('sha256', imageKey).update('glimpse photo index').digest().subarray(0, 8);
    const open = () => PrivateDatabase.open(file, { busyMs, prepare: (fresh) => prepare(fresh, mark) });
    try {
      return new PhotoIndex(open());
    } catch (error) {
      if (!(error instanceof VaultError) || !thrownAway.has(error.problem)) throw error;
      for (const ending of databaseEndings) rmSync(file + ending, { force: true });
      return new PhotoIndex(open());
    }
  }

  /** What is known of this very state of the file. */
  get({ path: file, stamp }: FoundFile): Known | undefined {
    const sql = 'SELECT * FROM photos WHERE path = @file AND stamp = @stamp';
    return this.#database.one(knownOf, sql, { file, stamp: stamp.text });
  }

  /** Where this photo, or one whose id begins so in hex, was seen. */
  pathsOf(hex: string): string[] {
    const sql = 'SELECT path FROM photos WHERE image_id BETWEEN @lowest AND @highest ORDER BY path';
    return this.#database.all(pathOf, sql, idsBeginningWith(hex));
  }

  put({ path: file, stamp }: FoundFile, { facts, thumbnail: { picture, thumbHash } }: Examined): Known {
    const row = {
      path: file,
      stamp: stamp.text,
      image_id: facts.imageId,
      photo_bytes: facts.photoBytes,
      media_type: facts.mediaType,
      width: facts.width,
      height: facts.height,
      thumb_hash: thumbHash,
    };
    this.#database.transact(() => {
      this.#database.insert('photos', row, 'REPLACE');
      this.#database.insert('thumbnails', { image_id: facts.imageId, picture }, 'REPLACE');
    });
    return { type: 'photo', path: file, facts, thumbHash };
  }

  /** Remembered too, so that a broken file is not read again by every listing. */
  putTrouble({ path: file, stamp }: FoundFile, message: string): Known {
    this.#database.insert('photos', { path: file, stamp: stamp.text, trouble: message }, 'REPLACE');
    return { type: 'no-photo', path: file, message };
  }

  thumbnail(imageId: Uint8Array): Uint8Array | undefined {
    const sql = 'SELECT picture FROM thumbnails WHERE image_id = @imageId';
    return this.#database.one((row) => bytes(row, 'picture'), sql, { imageId });
  }

  /** The file is not what it was: look again. */
  forget(file: string): void {
    this.#database.run('DELETE FROM photos WHERE path = @file', { file });
  }

  /** Forgets what was below a folder and is gone, and thumbnails that nothing points at. */
  prune(root: string, present: ReadonlySet<string>): void {
    const inside = root.endsWith(path.sep) ? root : root + path.sep;
    this.#database.transact(() => {
      const sql = 'SELECT path FROM photos WHERE substr(path, 1, length(@inside)) = @inside';
      const gone = this.#database.all(pathOf, sql, { inside }).filter((file) => !present.has(file));
      for (const file of gone) this.forget(file);
      this.#database.run(
        'DELETE FROM thumbnails WHERE image_id NOT IN (SELECT image_id FROM photos WHERE image_id IS NOT NULL)',
      );
    });
  }

  close(): void {
    this.#database.close();
  }
}

function pathOf(row: Row): string {
  return text(row, 'path');
}

function knownOf(row: Row): Known {
  if (row['trouble'] !== null) return { type: 'no-photo', path: pathOf(row), message: text(row, 'trouble') };
  const facts = {
    imageId: bytes(row, 'image_id'),
    photoBytes: whole(row, 'photo_bytes'),
    mediaType: text(row, 'media_type') as PhotoType,
    width: whole(row, 'width'),
    height: whole(row, 'height'),
  };
  return { type: 'photo', path: pathOf(row), facts, thumbHash: bytes(row, 'thumb_hash') };
}

/** Not synced at every write: what a power failure takes is looked at again. */
function prepare(database: Database.Database, mark: Buffer): void {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.transaction(() => begin(database, mark)).immediate();
}

/** Image ids of another vault's key mean nothing here. */
function begin(database: Database.Database, mark: Buffer): void {
  const fits =
    database.pragma('user_version', { simple: true }) === version &&
    mark.equals(database.prepare('SELECT image_key_mark FROM made_with').pluck().get() as Buffer);
  if (fits) return;
  for (const table of ['photos', 'thumbnails', 'made_with']) database.exec(`DROP TABLE IF EXISTS ${table}`);
  database.exec(tables);
  database.prepare('INSERT INTO made_with VALUES (?)').run(mark);
  database.pragma(`user_version = ${version}`);
}
