import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { VaultError } from '../../../client/vault/failures.js';
import { openVault } from '../../../client/vault/vault.js';
import {
  membership,
  ownKeys,
  rightsBetween,
  someone,
  draw,
  temporaryFolder,
  temporaryVault,
} from './samples.js';

test('keys exist before a name, and are drawn once', async (t) => {
  const vault = await temporaryVault(t);
  t.is(vault.identity.get(), undefined);
  const first = ownKeys();
  t.deepEqual(vault.identity.create(first, 'the-code'), {
    ...first,
    recovery: 'the-code',
    membership: undefined,
  });
  t.deepEqual(vault.identity.create(ownKeys(), 'another'), vault.identity.get());
  t.deepEqual(vault.identity.get()?.imageKey, first.imageKey);
});

test('joining gives a name and clears the recovery code; again is the same', async (t) => {
  const folder = await temporaryFolder(t);
  const vault = openVault(folder);
  vault.identity.create(ownKeys(), 'the-code');
  const alice = membership('alice');
  t.deepEqual(vault.identity.join(alice).membership, alice);
  t.is(vault.identity.join(alice).recovery, undefined);
  const renewed = [draw(200)];
  vault.identity.renew(renewed);
  vault.identity.heard(['127.0.0.1:9'], 5);
  vault.close();

  const again = openVault(folder);
  t.teardown(() => again.close());
  t.deepEqual(again.identity.get()?.membership, {
    ...alice,
    certificates: renewed,
    servers: ['127.0.0.1:9'],
    clockOffsetMs: 5,
  });
});

test('a vault has one name', async (t) => {
  const vault = await temporaryVault(t);
  const early = t.throws(() => vault.identity.join(membership('alice')), { instanceOf: VaultError });
  t.is(early.problem, 'taken');
  vault.identity.create(ownKeys(), 'code');
  vault.identity.join(membership('alice'));
  const error = t.throws(() => vault.identity.join(membership('bob')), { instanceOf: VaultError });
  t.is(error.problem, 'taken');
  t.regex(error.message, /alice.*glimpse leave/);
  t.throws(() => vault.identity.join({ ...membership('alice'), cloudId: draw(16) }), {
    instanceOf: VaultError,
  });
});

test('leaving frees the vault of everything', async (t) => {
  const vault = await temporaryVault(t);
  const [alice, bob] = [someone('alice'), someone('bob')];
  vault.identity.create(ownKeys(), 'code');
  vault.identity.join(membership('alice'));
  vault.contacts.meet(bob, 1);
  vault.given.give(
    {
      viewer: bob,
      photo: { name: 'a.jpg', path: 'x/a.jpg' },
      signedRights: rightsBetween(alice, bob),
    },
    1,
  );
  await writeFile(path.join(vault.home.inbox, 'bob-1.png'), 'picture');
  await vault.leave();
  t.is(vault.identity.get(), undefined);
  t.deepEqual(vault.contacts.list(), []);
  t.deepEqual(vault.given.list(), []);
  t.deepEqual(await readdir(vault.home.inbox), []);
  vault.identity.create(ownKeys(), 'code');
  t.is(vault.identity.join(membership('carol')).membership?.name, 'carol');
});
