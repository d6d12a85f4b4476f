/** Attacks on the photo itself: by who keeps all that servers see, who finds the file, and who steals the vault too. */
import { existsSync } from 'node:fs';
import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestFn } from 'ava';
import anyTest from 'ava';
import Database from 'better-sqlite3';
import { fromBinary } from '@bufbuild/protobuf';
import { readCarrier } from '../../../core/carrier/read.js';
import { bytesSource } from '../../../core/carrier/source.js';
import { openCapsule } from '../../../core/rights/capsule.js';
import { readRights } from '../../../core/rights/signed.js';
import { privateBytes, publicBytes } from '../../../core/identity/keys.js';
import { cloudKey, fileKeyCommitment } from '../../../core/seal/keys.js';
import { openPhoto } from '../../../core/seal/photo.js';
import { open } from '../../../core/seal/seal.js';
import { Person } from '../../../demo/person.js';
import { SignedRightsSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import type { Rights } from '../../../gen/glimpse/v1/rights_pb.js';
import { Stego } from '../../../gen/glimpse/v1/stego_pb.js';
import { holdingPieces } from '../../client/engine/clouds.js';
import { Cast } from '../../client/cast.js';
import { collect, inChunks, same } from '../../core/streams.js';
import { answer } from '../household.js';
import { Lines, attackerFrom, refusalOf } from './attacker.js';
import { clusterOf, givenBy, openHouse, original, viewIdAt, viewedBy } from './house.js';
import type { House } from './house.js';

const test = anyTest as TestFn<House>;

test.before(async (t) => {
  const cast = await Cast.gather();
  t.context = { cast } as House;
  t.context = await openHouse(cast, 1, 2);
});
test.after.always((t) => t.context.cast.leave());

/** Every row of the store, its key and its value. */
function rowsOf({ cast }: House): { key: string; value: Buffer }[] {
  const database = new Database(path.join(cast.data, 'store.sqlite'), { readonly: true });
  try {
    return database.prepare('SELECT key, value FROM rows').all() as { key: string; value: Buffer }[];
  } finally {
    database.close();
  }
}

function rightsIn(house: House): Rights {
  const row = rowsOf(house).find(({ key }) => key === `rights/${house.received.grant}`)!;
  return readRights(fromBinary(SignedRightsSchema, row.value));
}

/** The payload of a hidden photo without the cloud's lock: what `Hide` was sent, which any server has. */
async function sealedIn(carrier: Uint8Array, rights: Rights, house: House): Promise<Buffer> {
  const { secrets } = await clusterOf(house);
  const { sealId, imageId, secretId, payloadBytes } = rights;
  const ownerFingerprint = rights.owner!.fingerprint;
  const key = cloudKey(secrets.get(secretId)!, { sealId, ownerFingerprint, imageId });
  const hidden = await readCarrier(bytesSource(carrier));
  return collect(open(key, hidden.payload(payloadBytes), 'cloud-lock'));
}

/** Whatever has the length of a key, wherever it begins, as bytes and as hexadecimal digits. */
function* keysWithin(bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at + 32 <= bytes.length; at += 1) yield bytes.subarray(at, at + 32);
  for (const [digits] of bytes.toString('latin1').matchAll(/[0-9a-f]{64,}/g)) {
    for (let at = 0; at + 64 <= digits.length; at += 2) yield Buffer.from(digits.slice(at, at + 64), 'hex');
  }
}

test.serial('a curious server: with all traffic, the store and every secret it opens no photo', async (t) => {
  const house = t.context;
  const { alice, bob, cast } = house;
  t.like(await viewedBy(bob, house.received.grant), { shown: 'photo' }, 'and so its cloud key was released');
  const rights = rightsIn(house);
  const hidden = path.join(alice.home, 'carriers', `${Buffer.from(rights.sealId).toString('hex')}.png`);
  const sealed = await sealedIn(await readFile(hidden), rights, house);

  const files = (await readdir(path.join(cast.data, 'cluster'))).map((name) =>
    path.join(cast.data, 'cluster', name),
  );
  const kept = [
    ...rowsOf(house).flatMap(({ key, value }) => [Buffer.from(key), value]),
    ...(await Promise.all(files.map((file) => readFile(file)))),
    sealed.subarray(0, 4_096),
  ];
  // The rights commit to the file key: so whoever has it can tell.
  const opens = (key: Uint8Array): boolean => same(fileKeyCommitment(key), rights.fileKeyCommitment);
  const keys = kept.flatMap((each) => [...keysWithin(each)]);
  t.log(`${keys.length} keys tried`);
  t.true(keys.length > 5_000 && !keys.some(opens));
  t.deepEqual(await holdingPieces(cast.data, await original(house)), [], 'no piece of it was ever written');

  const delivered = await readCarrier(bytesSource(await readFile(house.received.file)));
  const { fileKey } = await openCapsule(delivered.slot, attackerFrom(bob).keys.agreement);
  t.true(opens(fileKey), 'the viewer has it');
  const { bytes } = await openPhoto(fileKey, rights.imageId, inChunks(sealed, 65_536));
  t.true(same(await collect(bytes), await original(house)), 'and what was tried is the sealed photo');
});

test.serial('a finder or thief of a carrier file: it opens for nobody and names nobody', async (t) => {
  const house = t.context;
  const { cast, servers, received } = house;
  const { used } = await givenBy(house, received.grant);
  const mallory = await cast.member('mallory');
  const seen = await mallory.glimpse(['view', received.file]);
  t.like(seen, { exit: 6, error: { reason: 'NOT_YOURS' }, result: undefined });
  t.not((await cast.person('nobody').glimpse(['view', received.file])).exit, 0);

  const file = await readFile(received.file);
  for (const { fingerprint, keys } of [house.alice, house.bob].map(attackerFrom)) {
    for (const name of [fingerprint, publicBytes(keys.agreement)]) t.false(file.includes(Buffer.from(name)));
  }
  const { slot } = await readCarrier(bytesSource(file));
  await t.throwsAsync(openCapsule(slot, attackerFrom(mallory).keys.agreement), { name: 'FormatError' });

  const lines = new Lines();
  t.teardown(lines.close);
  const { grantId, sealId } = rightsIn(house);
  const stego = lines.to(Stego, servers[0]!, attackerFrom(mallory).identity);
  const unlock = stego.unlock({ grantId, sealId, viewIds: [viewIdAt(Date.now())] });
  t.is(await refusalOf(unlock), 'UNKNOWN_GRANT', 'even one who was told what the file is');
  t.is((await givenBy(house, received.grant)).used, used);
});

test.serial('a thief of the file and a vault under a passphrase: gains nothing without it', async (t) => {
  const house = t.context;
  const { bob, cast, received } = house;
  const { used } = await givenBy(house, received.grant);
  const [secrets, rights] = [attackerFrom(bob).keys, rightsIn(house)];
  const folder = path.join(cast.folder, 'protected');
  const home = path.join(folder, 'bob');
  await cp(bob.home, home, { recursive: true });
  const keysLying = async () => {
    const files = ['vault.db', 'vault.db-wal'].map((name) => path.join(home, name)).filter(existsSync);
    return (await Promise.all(files.map((file) => readFile(file)))).flatMap((each) => [...keysWithin(each)]);
  };
  const own = [secrets.signing, secrets.agreement].map(privateBytes);
  const isOwn = (key: Uint8Array) => own.some((each) => same(key, each));
  t.true((await keysLying()).filter(isOwn).length >= own.length, 'they lie in a vault without a passphrase');

  const thief = new Person('bob', folder, () => undefined);
  const passphrase = 'correct horse battery staple';
  t.like(await thief.glimpse(['passphrase'], passphrase), { exit: 0, result: { passphrase: true } });
  const lying = await keysLying();
  t.log(`${lying.length} keys tried`);
  const opens = (key: Uint8Array) => same(fileKeyCommitment(key), rights.fileKeyCommitment);
  t.true(lying.length > 5_000 && !lying.some((key) => isOwn(key) || opens(key)));

  const knowing = async (words: string) => {
    const file = path.join(folder, 'passphrase');
    await writeFile(file, words);
    return new Person('bob', folder, () => undefined, ['env', `GLIMPSE_PASSPHRASE_FILE=${file}`]);
  };
  const guesser = await knowing('wrong horse battery staple');
  t.like(await thief.glimpse(['view', received.grant]), { exit: 1, error: { reason: 'VAULT_LOCKED' } });
  for (const words of [
    ['view', received.grant],
    ['passphrase', '--remove'],
  ])
    t.like(await guesser.glimpse(words), { exit: 1, error: { reason: 'VAULT_WRONG_PASSPHRASE' } });
  t.is((await givenBy(house, received.grant)).used, used, 'nothing was spent');
  t.like(await (await knowing(passphrase)).glimpse(['log', received.grant]), { exit: 0 });
});

test.serial('a thief of the file and the vault: has what is left, until it is revoked', async (t) => {
  const house = t.context;
  const { alice, bob, cast, received, photo } = house;
  const folder = path.join(cast.folder, 'stolen');
  await cp(bob.home, path.join(folder, 'bob'), { recursive: true });
  const thief = new Person('bob', folder, () => undefined);
  t.like(await viewedBy(thief, received.grant), { shown: 'photo', remaining: 0 });
  t.like(await viewedBy(thief, received.grant), { shown: 'cover', reason: 'spent' });
  await answer(alice, 'rights', 'bob', photo, '--add', '5');
  await answer(alice, 'rights', 'bob', photo, '--revoke');
  for (const each of [thief, bob])
    t.like(await viewedBy(each, received.grant), { shown: 'cover', reason: 'revoked' });
  t.like(await givenBy(house, received.grant), { used: 2 });
});
