/**
 * The tables of the embedded engine and how they came to be. The version stands in the file's own header
 * (`user_version`), and the file says whose it is (`application_id`).
 */
import type { Database } from 'better-sqlite3';

/** "Glim" */
const applicationId = 0x476c_696d;

/**
 * `migrations[n]` leads from version n to n + 1; what has been released is never edited.
 *
 * A revision is a client's transaction that changed something. `changes` is the log that watches read, the
 * newest part of it: all after `trimmed`, `logged` transactions, of which `told` is the last. A lease lives from `renewed_ms` for `ttl_ms` on the machine's
 * monotonic clock; a `renewed_ms` further in the future than its `ttl_ms` is from before a reboot, and over. Less than
 * that is a renewal that came first: who asks reads the clock, and then waits for its turn to write.
 */
const migrations = [
  `
  CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    trimmed INTEGER NOT NULL
  ) STRICT;
  INSERT INTO state VALUES (1, 0, 0);

  CREATE TABLE leases (
    id TEXT PRIMARY KEY,
    renewed_ms INTEGER NOT NULL,
    ttl_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE rows (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL,
    revision INTEGER NOT NULL,
    lease TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX rows_by_lease ON rows (lease) WHERE lease IS NOT NULL;

  CREATE TABLE changes (
    revision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB,
    PRIMARY KEY (revision, position)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE state ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE state ADD COLUMN logged INTEGER NOT NULL DEFAULT 0;
  UPDATE state SET told = revision, logged = (SELECT count(*) FROM changes WHERE position = 0);
  `,
];

/** The file is somebody else's, or of another age. The message says what to do. */
export class WrongFile extends Error {
  override readonly name = 'WrongFile';
}

/** Creates the tables or brings them to this version, in one transaction. @throws WrongFile, SqliteError */
export function migrate(db: Database): void {
  const isCurrent = () =>
    Number(db.pragma('application_id', { simple: true })) === applicationId &&
    versionOf(db) === migrations.length;
  if (isCurrent()) return;
  db.transaction(() => {
    checkOwner(db);
    const version = versionOf(db);
    if (version > migrations.length) {
      throw new WrongFile(
        `it was written by a newer glimpse-server (schema ${version}, this one knows ${migrations.length}): start that one`,
      );
    }
    for (const migration of migrations.slice(version)) db.exec(migration);
    db.pragma(`user_version = ${migrations.length}`);
    db.pragma(`application_id = ${applicationId}`);
  }).immediate();
}

function versionOf(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

function checkOwner(db: Database): void {
  const owner = Number(db.pragma('application_id', { simple: true }));
  const tables = Number(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  if (owner !== applicationId && (owner !== 0 || tables > 0)) {
    throw new WrongFile('it is another program’s database: choose another data directory');
  }
}
