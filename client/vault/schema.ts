/**
 * The tables of a vault, as the list of steps that lead to them. A vault of an older program is brought up to
 * date when it is opened; one of a newer program is refused. Steps are only ever appended.
 * Times are milliseconds since 1970, keys and signed things are the encoded messages of proto/glimpse/v1.
 */

import type Database from 'better-sqlite3';
import { VaultError } from './failures.js';

/** "GLMP": tells a vault from any other SQLite file. */
const applicationId = 0x474c4d50;

const migrations: readonly string[] = [
  `
  CREATE TABLE identity (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    signing_key BLOB NOT NULL,
    agreement_key BLOB NOT NULL,
    keys BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    image_key BLOB NOT NULL,
    recovery TEXT,
    name TEXT,
    cloud_id BLOB,
    ca_certificate BLOB,
    certificates TEXT,
    servers TEXT,
    clock_offset_ms INTEGER
  ) STRICT;

  CREATE TABLE contacts (
    name TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    keys BLOB NOT NULL,
    verified INTEGER NOT NULL DEFAULT 0,
    policy TEXT CHECK (policy IN ('none', 'browse', 'request')),
    address TEXT,
    pinned_at INTEGER NOT NULL,
    changed_fingerprint BLOB,
    changed_keys BLOB,
    changed_at INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('knock', 'photo')),
    peer_name TEXT NOT NULL,
    peer_fingerprint BLOB NOT NULL,
    image_id BLOB NOT NULL DEFAULT x'',
    photo TEXT,
    views INTEGER,
    asked_at INTEGER NOT NULL,
    refused INTEGER NOT NULL DEFAULT 0,
    UNIQUE (peer_fingerprint, kind, image_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE listings (
    peer TEXT NOT NULL,
    number INTEGER NOT NULL,
    image_id BLOB NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (peer, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE carriers (
    seal_id BLOB PRIMARY KEY,
    secret_id INTEGER NOT NULL,
    payload_digest BLOB NOT NULL,
    payload_bytes INTEGER NOT NULL,
    file_key BLOB NOT NULL,
    image_id BLOB NOT NULL,
    cover TEXT NOT NULL,
    leader TEXT NOT NULL,
    carrier_bytes INTEGER NOT NULL,
    hidden_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX carriers_by_image ON carriers (image_id);

  CREATE TABLE given (
    grant_id BLOB PRIMARY KEY,
    viewer_name TEXT NOT NULL,
    viewer_fingerprint BLOB NOT NULL,
    viewer_keys BLOB NOT NULL,
    image_id BLOB NOT NULL,
    photo_name TEXT NOT NULL,
    photo_path TEXT NOT NULL,
    current BLOB,
    current_version INTEGER NOT NULL DEFAULT 0,
    pending BLOB,
    pending_version INTEGER,
    wish TEXT,
    delivery TEXT NOT NULL DEFAULT 'waiting' CHECK (delivery IN ('delivered', 'waiting', 'offline')),
    snapshot BLOB,
    log_head BLOB,
    log_length INTEGER NOT NULL DEFAULT 0,
    given_at INTEGER NOT NULL,
    UNIQUE (viewer_fingerprint, image_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE capsules (
    grant_id BLOB NOT NULL REFERENCES given ON DELETE CASCADE,
    version INTEGER NOT NULL,
    slot BLOB NOT NULL,
    PRIMARY KEY (grant_id, version)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE held (
    grant_id BLOB PRIMARY KEY,
    owner_name TEXT NOT NULL,
    owner_fingerprint BLOB NOT NULL,
    owner_keys BLOB NOT NULL,
    image_id BLOB NOT NULL,
    rights BLOB NOT NULL,
    version INTEGER NOT NULL,
    photo_name TEXT,
    file TEXT UNIQUE,
    snapshot BLOB,
    carrier_bytes INTEGER NOT NULL DEFAULT 0,
    leader TEXT NOT NULL DEFAULT '',
    asked INTEGER NOT NULL DEFAULT 0,
    received_at INTEGER,
    opened INTEGER NOT NULL DEFAULT 0,
    view_id BLOB,
    view_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX held_by_owner ON held (owner_fingerprint);

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('rights-put', 'deliver', 'report-delivery')),
    grant_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    last_error TEXT,
    queued_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX outbox_by_grant ON outbox (grant_id);
  `,
  `
  CREATE TABLE log_heads (
    grant_id BLOB NOT NULL,
    length INTEGER NOT NULL,
    head BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (grant_id, length)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO log_heads SELECT grant_id, log_length, log_head, given_at FROM given WHERE log_head IS NOT NULL;
  ALTER TABLE given DROP COLUMN log_head;
  ALTER TABLE given DROP COLUMN log_length;
  `,
  `
  CREATE TABLE prepaid_views (
    view_id BLOB PRIMARY KEY,
    grant_id BLOB NOT NULL,
    seal_id BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'left', 'shown')),
    ordinal INTEGER,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX prepaid_views_by_grant ON prepaid_views (grant_id);

  CREATE TABLE prepaid_keys (
    grant_id BLOB NOT NULL,
    seal_id BLOB NOT NULL,
    cloud_key BLOB NOT NULL,
    PRIMARY KEY (grant_id, seal_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE clock (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    mark_ms INTEGER NOT NULL
  ) STRICT;
  `,
  'CREATE INDEX given_by_image ON given (image_id);',
  // Where wrapped_keys is not null, the columns of the private keys are empty.
  `
  ALTER TABLE identity ADD COLUMN wrapped_keys BLOB;
  ALTER TABLE identity ADD COLUMN wrap_salt BLOB;
  ALTER TABLE identity ADD COLUMN wrap_cost INTEGER;
  ALTER TABLE identity ADD COLUMN wrap_block_size INTEGER;
  ALTER TABLE identity ADD COLUMN wrap_parallel INTEGER;
  `,
];

/** Durable when a write returns, and nothing left of what was deleted. @throws VaultError if the file is no vault, or a newer one */
export function prepareVault(database: Database.Database, folder: string): void {
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

/** In one transaction, and looked at again inside it: two processes may have found the same older file. */
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
