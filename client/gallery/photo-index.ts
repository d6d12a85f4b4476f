/**
 * What earlier scans learned, so that a listing of known photos reads none of them: facts by path and stamp,
 * thumbnails by image id. A cache in SQLite, shared by the processes of one owner: losing it costs time alone,
 * so it is thrown away when it is damaged, of another version, or of another image key.
 */
import { createHmac } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { makePrivateFile } from '../vault/home.js';
import type { Examined, PhotoFacts } from './examine.js';
import type { PhotoType } from './rules/kinds.js';
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

const tables = `
  CREATE TABLE photos (
    path TEXT PRIMARY KEY, stamp TEXT NOT NULL, image_id BLOB, photo_bytes INTEGER, media_type TEXT,
    width INTEGER, height INTEGER, thumb_hash BLOB, trouble TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX photos_by_image ON photos (image_id);
  CREATE TABLE thumbnails (image_id BLOB PRIMARY KEY, picture BLOB NOT NULL) STRICT;
  CREATE TABLE made_with (image_key_mark BLOB NOT NULL) STRICT;
`;

interface Row {
  readonly path: string;
  readonly image_id: Buffer;
  readonly photo_bytes: number;
  readonly media_type: PhotoType;
  readonly width: number;
  readonly height: number;
  readonly thumb_hash: Buffer;
  readonly trouble: string | null;
}

export class PhotoIndex {
  readonly #database: Database.Database;

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  /** @throws Error if neither the index that is there nor a new one can be used */
  static open(folder: string, imageKey: Uint8Array): PhotoIndex {
    const file = path.join(folder, 'index.db');
    const mark = createHmac('sha256', imageKey).update('glimpse photo index').digest().subarray(0, 8);
    makePrivateFile(file);
    try {
      return new PhotoIndex(prepared(file, mark));
    } catch (error) {
      if (!(error instanceof Database.SqliteError) || !/^SQLITE_(?:NOTADB|CORRUPT)/.test(error.code))
        throw error;
      for (const ending of ['', '-wal', '-shm']) rmSync(file + ending, { force: true });
      makePrivateFile(file);
      return new PhotoIndex(prepared(file, mark));
    }
  }

  /** What is known of this very state of the file. */
  get({ path: file, stamp }: FoundFile): Known | undefined {
    const sql = 'SELECT * FROM photos WHERE path = ? AND stamp = ?';
    const row = this.#database.prepare<[string, string], Row>(sql).get(file, stamp.text);
    return row && knownOf(row);
  }

  /** Where this photo, or one whose id begins so, was seen. Hex in lower case. */
  pathsOf(imageIdHex: string): string[] {
    const sql =
      'SELECT path FROM photos WHERE lower(substr(hex(image_id), 1, length(@hex))) = @hex ORDER BY path';
    const statement = this.#database.prepare<[{ hex: string }], { path: string }>(sql);
    return statement.all({ hex: imageIdHex }).map((row) => row.path);
  }

  put({ path: file, stamp }: FoundFile, { facts, thumbnail }: Examined): Known {
    const { imageId, photoBytes, mediaType, width, height } = facts;
    const values = [imageId, photoBytes, mediaType, width, height, thumbnail.thumbHash];
    this.#database
      .transaction(() => {
        this.#database
          .prepare('INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)')
          .run(file, stamp.text, ...values);
        this.#database
          .prepare('INSERT OR REPLACE INTO thumbnails VALUES (?, ?)')
          .run(imageId, thumbnail.picture);
      })
      .immediate();
    return { type: 'photo', path: file, facts, thumbHash: thumbnail.thumbHash };
  }

  /** Remembered too, so that a broken file is not read again by every listing. */
  putTrouble({ path: file, stamp }: FoundFile, message: string): Known {
    this.#database
      .prepare('INSERT OR REPLACE INTO photos (path, stamp, trouble) VALUES (?, ?, ?)')
      .run(file, stamp.text, message);
    return { type: 'no-photo', path: file, message };
  }

  thumbnail(imageId: Uint8Array): Uint8Array | undefined {
    const statement = this.#database.prepare<[Uint8Array], { picture: Buffer }>(
      'SELECT picture FROM thumbnails WHERE image_id = ?',
    );
    const row = statement.get(imageId);
    return row && new Uint8Array(row.picture);
  }

  /** The file is not what it was: look again. */
  forget(file: string): void {
    this.#database.prepare('DELETE FROM photos WHERE path = ?').run(file);
  }

  /** Forgets what was below a folder and is gone, and thumbnails that nothing points at. */
  prune(root: string, present: ReadonlySet<string>): void {
    const inside = root.endsWith(path.sep) ? root : root + path.sep;
    this.#database
      .transaction(() => {
        const rows = this.#database
          .prepare<[string, string], { path: string }>(
            'SELECT path FROM photos WHERE substr(path, 1, length(?)) = ?',
          )
          .all(inside, inside);
        for (const row of rows) if (!present.has(row.path)) this.forget(row.path);
        this.#database.exec(
          'DELETE FROM thumbnails WHERE image_id NOT IN (SELECT image_id FROM photos WHERE image_id IS NOT NULL)',
        );
      })
      .immediate();
  }

  close(): void {
    this.#database.close();
  }
}

function knownOf(row: Row): Known {
  if (row.trouble !== null) return { type: 'no-photo', path: row.path, message: row.trouble };
  const facts = {
    imageId: new Uint8Array(row.image_id),
    photoBytes: row.photo_bytes,
    mediaType: row.media_type,
    width: row.width,
    height: row.height,
  };
  return { type: 'photo', path: row.path, facts, thumbHash: new Uint8Array(row.thumb_hash) };
}

function prepared(file: string, mark: Buffer): Database.Database {
  const database = new Database(file, { timeout: busyMs });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.transaction(() => begin(database, mark)).immediate();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
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
