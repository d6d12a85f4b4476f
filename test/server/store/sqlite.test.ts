/** The embedded engine: the suite of all engines, and what is its own. */
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { openSqliteStore } from '../../../server/store/sqlite.js';
import { StoreUnavailable } from '../../../server/store/store.js';
import { conformance } from './conformance.js';
import * as sqlite from './sqlite-engine.js';

// One after the other: each opens threads and processes of its own.
conformance(test.serial, { ...sqlite, module: new URL('./sqlite-engine.js', import.meta.url) });

test.serial('its files are their user’s alone', async (t) => {
  const { place, remove } = await sqlite.makePlace();
  t.teardown(remove);
  const directory = path.join(place, 'new', 'data');
  const store = await openSqliteStore({ directory });
  t.teardown(() => store.close());
  await store.transact([], [{ type: 'put', key: 'a', value: new Uint8Array(1) }]);
  const mode = async (file: string) => (await stat(file)).mode & 0o777;
  t.is(await mode(directory), 0o700);
  const files = await readdir(directory);
  t.true(files.includes('store.sqlite') && files.includes('store.sqlite-wal'));
  for (const file of files) t.is(await mode(path.join(directory, file)), 0o600, file);
});

async function refusal(t: ExecutionContext, prepare: (file: string) => unknown): Promise<string> {
  const { place, remove } = await sqlite.makePlace();
  t.teardown(remove);
  await prepare(path.join(place, 'store.sqlite'));
  const error = await t.throwsAsync(sqlite.openStore(place), { instanceOf: StoreUnavailable });
  return error.message;
}

test.serial('a damaged file is refused with what to do', async (t) => {
  t.regex(await refusal(t, (file) => writeFile(file, 'not a database'.repeat(100))), /damaged.*backup/);
});

test.serial('a file damaged in the middle is found out when that part is read', async (t) => {
  const { place, remove } = await sqlite.makePlace();
  t.teardown(remove);
  const file = path.join(place, 'store.sqlite');
  const store = await sqlite.openStore(place);
  for (let row = 0; row < 50; row++) {
    await store.transact([], [{ type: 'put', key: `r/${row}`, value: new Uint8Array(3000) }]);
  }
  await store.close();
  const { size } = await stat(file);
  await writeFile(file, new Uint8Array(size - 8192).fill(0x5a), { flag: 'r+', flush: true });
  const header = await t.throwsAsync(sqlite.openStore(place), { instanceOf: StoreUnavailable });
  t.regex(header.message, /damaged/);
});

test.serial('a file of a newer version is refused, and left alone', async (t) => {
  const message = await refusal(t, (file) => {
    const db = new Database(file);
    db.pragma('application_id = 1198287213');
    db.pragma('user_version = 99');
    db.close();
  });
  t.regex(message, /newer glimpse-server/);
});

test.serial('another program’s database is refused', async (t) => {
  const message = await refusal(t, (file) => {
    const db = new Database(file);
    db.exec('CREATE TABLE theirs (x)');
    db.close();
  });
  t.regex(message, /another program/);
});

test.serial('a folder that cannot be made is refused with what to do', async (t) => {
  const message = await refusal(t, (file) => mkdir(file));
  t.regex(message, /cannot be written/);
});

test.serial(
  'a file that another process holds for too long makes writes unavailable, not reads',
  async (t) => {
    const { place, remove } = await sqlite.makePlace();
    t.teardown(remove);
    const store = await sqlite.openStore(place);
    t.teardown(() => store.close());
    const put = (key: string) => store.transact([], [{ type: 'put', key, value: new Uint8Array(1) }]);
    await put('a');
    const holder = new Database(path.join(place, 'store.sqlite'));
    t.teardown(() => holder.close());
    holder.exec('BEGIN IMMEDIATE');
    const waiting = put('b');
    t.not(await store.get('a'), undefined);
    const error = await t.throwsAsync(waiting, { instanceOf: StoreUnavailable });
    t.regex(error.message, /did not answer within/);
    holder.exec('ROLLBACK');
    t.true((await put('c')).ok);
  },
);
