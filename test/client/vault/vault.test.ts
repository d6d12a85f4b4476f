import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import test from 'ava';
import { VaultError } from '../../../client/vault/failures.js';
import type { VaultProblem } from '../../../client/vault/failures.js';
import { homeFolder } from '../../../client/vault/home.js';
import { lockUp } from '../../../client/vault/lock.js';
import { openVault } from '../../../client/vault/vault.js';
import { ownKeys, sha256, someone, temporaryFolder } from './samples.js';

const writer = fileURLToPath(new URL('./writer.js', import.meta.url));
const killings = 8;

test('home: GLIMPSE_HOME, or the platform’s data directory', (t) => {
  t.is(homeFolder({ GLIMPSE_HOME: 'somewhere' }), path.resolve('somewhere'));
  t.regex(homeFolder({ GLIMPSE_HOME: '' }), /glimpse/);
  t.is(homeFolder({}), homeFolder({ GLIMPSE_HOME: '' }));
});

test('everything is for its owner alone', async (t) => {
  const parent = await temporaryFolder(t);
  const folder = path.join(parent, 'deep', 'home');
  const vault = openVault(folder);
  vault.identity.create(ownKeys(), 'code');
  const lock = lockUp(folder);
  t.is((await stat(folder)).mode & 0o777, 0o700);
  for (const name of await readdir(folder)) {
    const found = await stat(path.join(folder, name));
    t.is(found.mode & 0o777, found.isDirectory() ? 0o700 : 0o600, name);
  }
  lock.release();
  vault.close();

  const open = path.join(parent, 'open');
  await mkdir(open);
  await chmod(open, 0o755);
  openVault(open).close();
  t.is((await stat(open)).mode & 0o777, 0o700, 'an empty folder becomes private');
});

test('what is no vault is left alone', async (t) => {
  const folder = await temporaryFolder(t);
  const refused = (home: string, problem: VaultProblem, words: RegExp) => {
    const error = t.throws(() => openVault(home), { instanceOf: VaultError });
    t.is(error.problem, problem);
    t.regex(error.message, words);
  };
  const within = async (name: string) => {
    await mkdir(path.join(folder, name));
    return path.join(folder, name);
  };
  const text = await within('text');
  await writeFile(path.join(text, 'vault.db'), 'a shopping list, long enough to be looked at '.repeat(50));
  refused(text, 'damaged', /no vault.*GLIMPSE_HOME/);
  t.regex(await readFile(path.join(text, 'vault.db'), 'utf8'), /^a shopping list/);

  const stranger = await within('stranger');
  const other = new Database(path.join(stranger, 'vault.db'));
  other.exec('CREATE TABLE music (title TEXT)');
  other.close();
  refused(stranger, 'not-a-vault', /another program.*GLIMPSE_HOME/);

  await writeFile(path.join(folder, 'file'), '');
  refused(path.join(folder, 'file'), 'not-a-vault', /in the way.*GLIMPSE_HOME/);

  const newer = await within('newer');
  openVault(newer).close();
  const database = new Database(path.join(newer, 'vault.db'));
  database.pragma('user_version = 99');
  database.close();
  refused(newer, 'newer', /newer version.*update/);

  const damaged = await within('damaged');
  const vault = openVault(damaged);
  for (let at = 0; at < 200; at++) vault.contacts.meet(someone(`contact${at}`), at);
  vault.close();
  const bytes = await readFile(path.join(damaged, 'vault.db'));
  bytes.fill(0xee, 4096 * 2);
  await writeFile(path.join(damaged, 'vault.db'), bytes);
  const error = t.throws(() => openVault(damaged).contacts.list(), { instanceOf: VaultError });
  t.is(error.problem, 'damaged');
});

test('a vault that lost what it held does not look like a new one', async (t) => {
  const parent = await temporaryFolder(t);
  const joined = path.join(parent, 'joined');
  const vault = openVault(joined);
  vault.identity.create(ownKeys(), 'code');
  vault.close();
  const file = path.join(joined, 'vault.db');
  const whole = await readFile(file);
  const refused = (what: string) => {
    const error = t.throws(() => openVault(joined).identity.get(), { instanceOf: VaultError }, what);
    t.is(error.problem, 'damaged', what);
    t.regex(error.message, /glimpse join CODE --name NAME --recover RECOVERY/, what);
  };
  for (const [what, bytes] of [
    ['emptied', new Uint8Array()],
    ['cut to a few bytes', whole.subarray(0, 50)],
    ['cut in the middle', whole.subarray(0, whole.length >> 1)],
    ['overwritten', Buffer.alloc(whole.length, 'garbage')],
    ['zeroed', Buffer.alloc(whole.length)],
  ] as const) {
    await writeFile(file, bytes);
    refused(what);
    t.is((await stat(file)).size, bytes.length, `${what}: left alone`);
  }
  await rm(file);
  await writeFile(`${file}-wal`, 'what it had not yet written');
  refused('gone, but for its log');
  await rm(`${file}-wal`);
  await writeFile(file, whole);
  const again = openVault(joined);
  t.truthy(again.identity.get());
  again.close();
  t.deepEqual(
    (await readdir(joined)).filter((name) => name.startsWith('vault.db')),
    ['vault.db'],
    'nothing is left of making it',
  );
});

test('a write that another program holds up ends in words, and changes nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const vault = openVault(folder, { busyMs: 50 });
  const other = new Database(path.join(folder, 'vault.db'));
  other.exec('BEGIN IMMEDIATE');
  const error = t.throws(() => vault.contacts.meet(someone('bob'), 1), { instanceOf: VaultError });
  t.is(error.problem, 'busy');
  other.exec('ROLLBACK');
  other.close();
  t.is(vault.contacts.get('bob'), undefined);
  t.is(vault.contacts.meet(someone('bob'), 1).type, 'pinned');
  vault.close();
});

test('a transaction is all or nothing, also around others', async (t) => {
  const vault = openVault(await temporaryFolder(t));
  t.throws(
    () =>
      vault.transact(() => {
        vault.contacts.meet(someone('bob'), 1);
        vault.transact(() => vault.contacts.meet(someone('carol'), 1));
        throw new Error('changed my mind');
      }),
    { message: 'changed my mind' },
  );
  t.deepEqual(vault.contacts.list(), []);
  vault.close();
});

test('only one `up` on a vault', async (t) => {
  const folder = await temporaryFolder(t);
  const lock = lockUp(folder);
  const error = t.throws(() => lockUp(folder), { instanceOf: VaultError });
  t.is(error.problem, 'in-use');
  t.regex(error.message, /already runs/);
  const vault = openVault(folder);
  vault.identity.create(ownKeys(), 'code');
  vault.close();
  t.throws(() => lockUp(folder), { instanceOf: VaultError }, 'the vault itself does not let go of it');
  lock.release();
  lockUp(folder).release();
});

test('processes may make and fill the same vault at once', async (t) => {
  const folder = path.join(await temporaryFolder(t), 'home');
  const writers = [0, 1, 2].map(() => start(folder));
  const told = await Promise.all(writers.map((one) => one.lines(6)));
  await Promise.all(writers.map((one) => one.kill()));
  await holdsWhatWasTold(t, folder, told.flat());
});

test('killed at any moment, a vault has lost nothing that it acknowledged, and holds no halves', async (t) => {
  const folder = await temporaryFolder(t);
  const told: string[] = [];
  for (let at = 1; at <= killings; at++) {
    const one = start(folder);
    told.push(...(await one.lines(at)));
    told.push(...(await one.kill()));
    await holdsWhatWasTold(t, folder, told);
  }
  t.true(told.length >= killings);
});

function start(folder: string) {
  const child = spawn(process.execPath, [writer, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const over = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const next = await lines.next();
    return next.done === true ? undefined : next.value;
  };
  return {
    async lines(count: number): Promise<string[]> {
      const told: string[] = [];
      for (let line: string | undefined; told.length < count && (line = await read()) !== undefined;)
        told.push(line);
      return told;
    },
    /** What it had said by then, too. */
    async kill(): Promise<string[]> {
      child.kill('SIGKILL');
      const told: string[] = [];
      for (let line = await read(); line !== undefined; line = await read()) told.push(line);
      const [, signal] = (await over) as [number | null, string | null];
      if (signal !== 'SIGKILL') throw new Error('the writer had ended before it was killed');
      return told;
    },
  };
}

async function holdsWhatWasTold(
  t: {
    deepEqual(actual: unknown, expected: unknown, message?: string): unknown;
    truthy(value: unknown): unknown;
  },
  folder: string,
  told: readonly string[],
): Promise<void> {
  const vault = openVault(folder);
  try {
    for (const line of told) {
      const [kind, hex] = line.split(' ');
      const grantId = new Uint8Array(Buffer.from(hex ?? '', 'hex'));
      t.truthy(kind === 'given' ? vault.given.get(grantId) : vault.held.get(grantId));
    }
    const ids = (rows: readonly { readonly grantId: Uint8Array }[]) =>
      rows.map(({ grantId }) => Buffer.from(grantId).toString('hex')).sort();
    t.deepEqual(ids(vault.given.list()), ids(vault.outbox.list()), 'a grant and its errand belong together');
    for (const { grantId, picture } of vault.held.list()) {
      t.deepEqual(sha256(await readFile(picture!.file)), picture!.snapshot);
      t.truthy(vault.given.get(grantId));
    }
  } finally {
    vault.close();
  }
}
