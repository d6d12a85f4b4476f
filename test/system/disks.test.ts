/** What a vault does on disks that are full or read-only: real ones, small, which only root can mount. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { openGallery } from '../../client/gallery/gallery.js';
import { VaultError } from '../../client/vault/failures.js';
import { lockUp } from '../../client/vault/lock.js';
import { openVault } from '../../client/vault/vault.js';
import { draw, ownKeys, rightsBetween, sha256, someone } from '../client/vault/samples.js';
import { mount, smallDisk, temporaryFolder } from './prerequisites.js';

test('a full disk ends in words, loses nothing, and is fine once there is room', async (t) => {
  const folder = await smallDisk(t, '1m');
  if (folder === undefined) return;
  const vault = openVault(path.join(folder, 'home'));
  t.teardown(() => vault.close());
  vault.identity.create(ownKeys(), 'code');
  const ballast = path.join(folder, 'ballast');
  const bytes = draw(600_000);
  const announced = { grantId: draw(16), snapshot: sha256(bytes), carrierBytes: bytes.length };
  const [alice, bob] = [someone('alice'), someone('bob')];
  await writeFile(ballast, draw(500_000));

  const coming = await vault.incoming.open(announced);
  if (coming === 'busy') return t.fail();
  const full = await t.throwsAsync(coming.write(bytes), { instanceOf: VaultError });
  t.is(full.problem, 'full');
  t.regex(full.message, /full: make room and try again/);
  await coming.close();

  let met = 0;
  const error = t.throws(
    () => {
      for (;;) vault.contacts.meet(someone(`contact${met}`), (met += 1));
    },
    { instanceOf: VaultError },
  );
  t.is(error.problem, 'full');
  t.is(vault.contacts.list().length, met - 1, 'what was acknowledged is there, the rest is not');

  await rm(ballast);
  t.is(vault.contacts.meet(someone('late'), 1).type, 'pinned');
  const resumed = await vault.incoming.open(announced);
  if (resumed === 'busy') return t.fail();
  t.true(resumed.offset > 0);
  await resumed.write(bytes.subarray(resumed.offset));
  const signedRights = rightsBetween(alice, bob, { grantId: announced.grantId });
  const held = await resumed.take({ owner: alice, signedRights, leader: 's1', asked: true, receivedAtMs: 1 });
  t.deepEqual(new Uint8Array(await readFile(held!.picture!.file)), bytes);
});

test('a read-only disk ends in words', async (t) => {
  const folder = await smallDisk(t, '4m');
  if (folder === undefined) return;
  const home = path.join(folder, 'home');
  const vault = openVault(home);
  vault.identity.create(ownKeys(), 'code');
  lockUp(home).release();
  vault.close();
  mount('-o', 'remount,ro', folder);
  const known = t.throws(() => openVault(home), { instanceOf: VaultError });
  t.is(known.problem, 'read-only', known.message);
  t.regex(known.message, /cannot be written.*GLIMPSE_HOME/);
  for (const use of [openVault, lockUp]) {
    const error = t.throws(() => use(path.join(folder, 'other')), { instanceOf: VaultError });
    t.regex(error.message, /cannot be (?:made|written).*GLIMPSE_HOME/);
  }
  mount('-o', 'remount,rw', folder);
  const again = openVault(home);
  t.truthy(again.identity.get());
  again.close();
});

test('a gallery whose index has no room says so', async (t) => {
  const folder = await smallDisk(t, '512k');
  if (folder === undefined) return;
  const photos = await temporaryFolder(t);
  await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } }).toFile(
    path.join(photos, 'a.png'),
  );
  await writeFile(path.join(folder, 'ballast'), draw(380_000));
  const list = async () => {
    const gallery = await openGallery(photos, { cacheDir: folder, imageKey: draw(32) });
    for await (const _ of gallery.list()) t.pass();
    await writeFile(path.join(folder, 'more'), draw(500_000));
  };
  const error = await t.throwsAsync(list);
  t.regex(error.message, /full|ENOSPC/);
});
