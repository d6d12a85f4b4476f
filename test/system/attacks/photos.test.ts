/** Attacks on the photo itself: by who keeps all that servers see, who finds the file, and who steals the vault too. */
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ExecutionContext, TestFn } from 'ava';
import anyTest from 'ava';
import Database from 'better-sqlite3';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { HeldLine, Shared } from '../../../client/engine.js';
import { parseAddress } from '../../../core/address.js';
import { readCarrier } from '../../../core/carrier/read.js';
import { bytesSource } from '../../../core/carrier/source.js';
import { openCapsule } from '../../../core/rights/capsule.js';
import { readRights } from '../../../core/rights/signed.js';
import { privateBytes, publicBytes } from '../../../core/identity/keys.js';
import type { ClientKeys } from '../../../core/identity/keys.js';
import { cloudKey, fileKeyCommitment, photoKey } from '../../../core/seal/keys.js';
import { openPhoto } from '../../../core/seal/photo.js';
import { open } from '../../../core/seal/seal.js';
import { Person } from '../../../demo/person.js';
import { RightsSchema, SignedRightsSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import type { Rights } from '../../../gen/glimpse/v1/rights_pb.js';
import { Stego } from '../../../gen/glimpse/v1/stego_pb.js';
import { holdingPieces, original, piecesOf } from '../../client/engine/clouds.js';
import { Cast } from '../../client/cast.js';
import { collect, inChunks, same } from '../../core/streams.js';
import { answer } from '../household.js';
import { Lines, attackerFrom, refusalOf } from './attacker.js';
import { clusterOf, givenBy, inhabited, viewIdAt, viewedBy } from './house.js';
import type { House } from './house.js';
import { Wiretap } from './wiretap.js';

interface Scene extends House {
  /** Everything that goes to the server and from it, from the first join on. */
  readonly wiretap: Wiretap;
}

const test = anyTest as TestFn<Scene>;

test.before(async (t) => {
  const cast = await Cast.gather();
  const keys = path.join(cast.folder, 'session-keys');
  const wiretap = new Wiretap(keys);
  t.context = { cast, wiretap } as Scene;
  await cast.openCloud(1, {
    words: ['--host', '127.0.0.1', '--advertise', '127.0.0.2'],
    through: ['env', `NODE_OPTIONS=--tls-keylog=${keys}`],
  });
  for (const told of [...cast.addresses, ...cast.enrolments]) {
    const at = parseAddress(told)!;
    await wiretap.relay(at, { ...at, host: '127.0.0.1' });
  }
  t.context = { ...(await inhabited(cast, 2)), wiretap };
});
test.after.always(async (t) => {
  t.context.wiretap.close();
  await t.context.cast.leave();
});

/** Every row of the store, its key and its value. */
function rowsOf({ cast }: House): { key: string; value: Buffer }[] {
  const database = new Database(path.join(cast.data, 'store.sqlite'), { readonly: true });
  try {
    return database.prepare('SELECT key, value FROM rows').all() as { key: string; value: Buffer }[];
  } finally {
    database.close();
  }
}

function rightsIn(house: House, grant = house.received.grant): Rights {
  const row = rowsOf(house).find(({ key }) => key === `rights/${grant}`)!;
  return readRights(fromBinary(SignedRightsSchema, row.value));
}

/** A hidden photo as any server has it: what its cloud key is, and the payload without the cloud's lock. */
async function hiddenIn(carrier: Uint8Array, rights: Rights, house: House) {
  const { secrets } = await clusterOf(house);
  const { sealId, imageId, secretId, payloadBytes } = rights;
  const ownerFingerprint = rights.owner!.fingerprint;
  const key = cloudKey(secrets.get(secretId)!, { sealId, ownerFingerprint, imageId });
  const hidden = await readCarrier(bytesSource(carrier));
  const sealed = await collect(open(key, hidden.payload(payloadBytes), 'cloud-lock'));
  return { key, slot: hidden.slot, sealed };
}

/** Whatever has the length of a key, wherever it begins, as bytes and as hexadecimal digits. */
function* keysWithin(bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at + 32 <= bytes.length; at += 1) yield bytes.subarray(at, at + 32);
  for (const [digits] of bytes.toString('latin1').matchAll(/[0-9a-f]{64,}/g)) {
    for (let at = 0; at + 64 <= digits.length; at += 2) yield Buffer.from(digits.slice(at, at + 64), 'hex');
  }
}

const digits = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Any 32 bytes are a private key. Its public one, which a JWK has too, is found out from it. */
const agreementFrom = (raw: Uint8Array): KeyObject =>
  createPrivateKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: 'X25519', d: Buffer.from(raw).toString('base64url'), x: '' },
  });

/** Those of the keys that open the photo: its file key, and the viewer's, with which its capsule is opened. */
async function openingOf(
  keys: Iterable<Uint8Array>,
  { rights, slot, viewer }: { rights: Rights; slot: Uint8Array; viewer: Uint8Array },
): Promise<Uint8Array[]> {
  // The rights commit to the file key: so whoever has it can tell.
  const isFileKey = (key: Uint8Array): boolean => same(fileKeyCommitment(key), rights.fileKeyCommitment);
  const opening: Uint8Array[] = [];
  for (const key of keys) {
    const agreement = agreementFrom(key);
    // Everybody can ask the directory for the viewer's public key: no other private key opens the capsule.
    const isViewers = same(publicBytes(agreement), viewer);
    if (isFileKey(isViewers ? (await openCapsule(slot, agreement)).fileKey : key)) opening.push(key);
  }
  return opening;
}

/** A member's two photos from Alice: one he asks for, one she gives him. He views both, and she changes her mind. */
async function livedThrough(
  t: ExecutionContext<Scene>,
): Promise<readonly { grant: string; file: string; photo: string }[]> {
  const { alice, bob, received, photo } = t.context;
  await bob.start([]);
  await answer(bob, 'allow', 'alice', 'request');
  const given = 'allium-oreophilum.jpg';
  const { grant } = await answer<Shared>(alice, 'share', 'bob', given, '--views', '1');
  const { file } = (await answer<HeldLine[]>(bob, 'inbox')).find((line) => line.grant === grant)!;
  const grants = [
    { ...received, photo },
    { grant, file, photo: given },
  ];
  for (const each of grants) {
    t.like(await viewedBy(bob, each.grant), { shown: 'photo' }, 'and so its cloud key was released');
    await answer(alice, 'rights', 'bob', each.photo, '--expires', '7d');
    await answer(alice, 'rights', 'bob', each.photo, '--expires', 'never');
  }
  await answer(alice, 'rights', 'bob', given, '--revoke');
  await bob.up!.stop();
  return grants;
}

test.serial('a curious server: with all traffic, the store and every secret it opens no photo', async (t) => {
  const house = t.context;
  const { alice, bob, cast, wiretap } = house;
  const grants = await livedThrough(t);
  const heard = await wiretap.heard();
  const files = (await readdir(path.join(cast.data, 'cluster'))).map((name) =>
    path.join(cast.data, 'cluster', name),
  );
  const kept = [
    ...rowsOf(house).flatMap(({ key, value }) => [Buffer.from(key), value]),
    ...(await Promise.all(files.map((each) => readFile(each)))),
    // Of a hiding its ticket and header: what follows are the cover, the sealed photo and the carrier.
    ...heard.map((each) => each.subarray(0, 4_096)),
  ];
  const tried = new Map(kept.flatMap((each) => [...keysWithin(each)]).map((key) => [digits(key), key]));
  t.log(`${heard.length} streams of ${Buffer.concat(heard).length} bytes, ${tried.size} keys tried`);
  t.true(tried.size > 5_000);
  const isHeard = (bytes: Uint8Array): boolean =>
    heard.some((each) => each.includes(Buffer.from(bytes)) || each.includes(digits(bytes)));
  const [owners, viewers] = [alice, bob].map((person) => attackerFrom(person).keys) as [
    ClientKeys,
    ClientKeys,
  ];

  for (const { grant, file, photo } of grants) {
    const rights = rightsIn(house, grant);
    const carrier = await readFile(file);
    const { key, slot, sealed } = await hiddenIn(carrier, rights, house);
    const pieces = piecesOf(sealed).filter(isHeard);
    t.true(pieces.length > 32 && piecesOf(carrier).some(isHeard), 'it was there when the photo was hidden');
    t.true(isHeard(key) && tried.has(digits(key)), 'and viewed');
    t.true(isHeard(toBinary(RightsSchema, rights)), 'and when rights were changed');

    const viewer = publicBytes(viewers.agreement);
    const target = { rights, slot, viewer };
    t.deepEqual(await openingOf(tried.values(), target), []);
    const own = privateBytes(viewers.agreement);
    t.deepEqual(await openingOf([key, own], target), [own], 'the viewer’s would have been found');
    const { fileKey } = await openCapsule(slot, viewers.agreement);
    t.deepEqual(await openingOf([key, fileKey], target), [fileKey]);
    const { bytes } = await openPhoto(fileKey, rights.imageId, inChunks(sealed, 65_536));
    const plain = await original(photo);
    t.true(same(await collect(bytes), plain), 'and what was tried is the sealed photo');

    const secrets = [owners, viewers].flatMap(({ signing, agreement }) =>
      [signing, agreement].map(privateBytes),
    );
    for (const secret of [...piecesOf(plain), ...secrets, fileKey, photoKey(fileKey)])
      t.false(isHeard(secret), 'nowhere in all that was said');
    t.deepEqual(await holdingPieces(cast.data, plain), [], 'no piece of it was ever written');
  }
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
