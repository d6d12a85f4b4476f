/** A vault's private keys under a passphrase: what opens them, and what is left of them in the files. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import Database from 'better-sqlite3';
import { VaultError } from '../../../client/vault/failures.js';
import type { VaultProblem } from '../../../client/vault/failures.js';
import type { OwnKeys } from '../../../client/vault/records.js';
import { openVault } from '../../../client/vault/vault.js';
import type { Vault } from '../../../client/vault/vault.js';
import { draw, membership, ownKeys, temporaryFolder } from './samples.js';

const passphrase = 'correct horse battery staple';

/** A vault that has joined; `open` opens it once more, as another process does. */
async function joined(t: ExecutionContext) {
  const folder = await temporaryFolder(t);
  const open = (): Vault => {
    const vault = openVault(folder);
    t.teardown(() => vault.close());
    return vault;
  };
  const vault = open();
  const own = ownKeys();
  vault.identity.create(own, 'code');
  vault.identity.join(membership('alice'));
  return { folder, open, vault, own };
}

/** Which of the private keys lie in the files of a vault, bare or as the text that is wrapped. */
function found(folder: string, own: OwnKeys): string[] {
  const files = ['', '-wal', '-shm']
    .map((ending) => path.join(folder, `vault.db${ending}`))
    .filter(existsSync);
  const bytes = Buffer.concat(files.map((file) => readFileSync(file)));
  const names = ['signingKey', 'agreementKey', 'imageKey'] as const;
  return names.filter(
    (name) =>
      bytes.includes(Buffer.from(own[name])) || bytes.includes(Buffer.from(own[name]).toString('base64')),
  );
}

async function fails(t: ExecutionContext, act: () => unknown, problem: VaultProblem): Promise<void> {
  const error = await t.throwsAsync(async () => act(), { instanceOf: VaultError });
  t.is(error.problem, problem);
}

test('under a passphrase the files hold no key; with it they open, changed and removed', async (t) => {
  const { folder, open, vault, own } = await joined(t);
  t.is(found(folder, own).length, 3, 'what is looked for is there to be found');
  const up = open();
  t.like(up.identity.get(), own);
  const before = vault.identity.get();
  await vault.identity.protect(passphrase);
  t.deepEqual(found(folder, own), []);
  t.deepEqual(vault.identity.get(), before, 'who set it goes on');
  t.deepEqual(up.identity.get(), before, 'and so does a process that had the keys');

  const other = open();
  t.true(other.identity.wrapped);
  await fails(t, () => other.identity.get(), 'locked');
  await fails(t, () => other.identity.protect('another passphrase'), 'locked');
  await fails(t, () => other.identity.unlock(`${passphrase}!`), 'wrong-passphrase');
  await fails(t, () => other.identity.get(), 'locked');
  await other.identity.unlock(passphrase);
  t.deepEqual(other.identity.get(), before);
  other.identity.renew([draw(200)]);
  other.identity.heard(['127.0.0.1:9'], 5);

  await other.identity.protect('another passphrase');
  const third = open();
  await fails(t, () => third.identity.unlock(passphrase), 'wrong-passphrase');
  await third.identity.unlock('another passphrase');
  t.deepEqual(third.identity.get(), other.identity.get());
  t.deepEqual(found(folder, own), []);

  await third.identity.protect(undefined);
  t.false(third.identity.wrapped);
  t.like(open().identity.get(), own);
});

test('é is é, however it was typed', async (t) => {
  const { vault, open } = await joined(t);
  await vault.identity.protect('caf\u00e9 au lait');
  const other = open();
  await other.identity.unlock('cafe\u0301 au lait');
  t.truthy(other.identity.get());
});

test('keys of a vault that nobody named are not wrapped, and those of a vault that was left are gone', async (t) => {
  const early = openVault(await temporaryFolder(t));
  t.teardown(() => early.close());
  early.identity.create(ownKeys(), 'code');
  await fails(t, () => early.identity.protect(passphrase), 'taken');
  const { vault, open } = await joined(t);
  const up = open();
  up.identity.get();
  await vault.leave();
  await fails(t, () => up.identity.unlock(passphrase).then(() => up.identity.protect(passphrase)), 'taken');
  t.is(up.identity.get(), undefined);
  const next = ownKeys();
  vault.identity.create(next, 'code');
  vault.identity.join(membership('bob'));
  await vault.identity.protect(passphrase);
  await fails(t, () => up.identity.get(), 'locked');
});

const tampering = [
  ['wrap_cost = 4294967296', 'damaged'],
  ['wrap_cost = 131073', 'damaged'],
  ['wrap_cost = 0', 'damaged'],
  ['wrap_block_size = 1000000', 'damaged'],
  ['wrap_parallel = 1000000', 'damaged'],
  ["wrap_salt = x''", 'damaged'],
  ['wrap_salt = NULL', 'damaged'],
  ["wrapped_keys = x'00'", 'damaged'],
  ['wrap_cost = 2', 'wrong-passphrase'],
  ['wrapped_keys = randomblob(length(wrapped_keys))', 'wrong-passphrase'],
  ['fingerprint = randomblob(32)', 'wrong-passphrase'],
] as const;

test('what lies beside the keys is bounded before it costs anything, and authenticated', async (t) => {
  const { folder, vault, open } = await joined(t);
  await vault.identity.protect(passphrase);
  const database = new Database(path.join(folder, 'vault.db'));
  t.teardown(() => database.close());
  const whole = database.prepare('SELECT * FROM identity').get() as Record<string, unknown>;
  const restore = database.prepare(
    `UPDATE identity SET ${Object.keys(whole)
      .map((name) => `${name} = @${name}`)
      .join(', ')}`,
  );
  for (const [change, problem] of tampering) {
    database.exec(`UPDATE identity SET ${change}`);
    await fails(t, () => open().identity.unlock(passphrase), problem);
    restore.run(whole);
  }
  await t.notThrowsAsync(open().identity.unlock(passphrase));
});

test('a vault of the version before has no passphrase, and may have one', async (t) => {
  const { folder, vault, own, open } = await joined(t);
  vault.close();
  const database = new Database(path.join(folder, 'vault.db'));
  for (const name of ['wrapped_keys', 'wrap_salt', 'wrap_cost', 'wrap_block_size', 'wrap_parallel'])
    database.exec(`ALTER TABLE identity DROP COLUMN ${name}`);
  database.pragma('user_version = 4');
  database.close();
  const migrated = open();
  t.false(migrated.identity.wrapped);
  t.like(migrated.identity.get(), { ...own, membership: { name: 'alice' } });
  await migrated.identity.protect(passphrase);
  t.deepEqual(found(folder, own), []);
});
