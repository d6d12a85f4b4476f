import { readFile, readdir, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { VAULT_LIMITS } from '../../../client/vault/limits.js';
import type { IncomingCarrier } from '../../../client/vault/incoming.js';
import type { Vault } from '../../../client/vault/vault.js';
import { draw, rightsBetween, sha256, someone, temporaryVault } from './samples.js';
import type { RightsChoice } from './samples.js';

const alice = someone('alice');
const bob = someone('bob');

function parcel(bytes: Uint8Array, choice: RightsChoice & { grantId: Uint8Array } = { grantId: draw(16) }) {
  return {
    announced: { grantId: choice.grantId, snapshot: sha256(bytes), carrierBytes: bytes.length },
    as: {
      owner: alice,
      signedRights: rightsBetween(alice, bob, choice),
      leader: 's1',
      asked: true,
      receivedAtMs: 4,
    },
  };
}

async function opened(
  vault: Vault,
  announced: Parameters<Vault['incoming']['open']>[0],
): Promise<IncomingCarrier> {
  const carrier = await vault.incoming.open(announced);
  if (carrier === 'busy') throw new Error('busy');
  return carrier;
}

test('a picture is in the inbox when it is whole, under a name for people', async (t) => {
  const vault = await temporaryVault(t);
  const bytes = draw(200_000);
  const { announced, as } = parcel(bytes);
  const carrier = await opened(vault, announced);
  t.is(carrier.offset, 0);
  t.is(await vault.incoming.open(announced), 'busy');
  t.true(await carrier.write(bytes.subarray(0, 70_000)));
  t.deepEqual(await readdir(vault.home.inbox), []);
  t.true(await carrier.write(bytes.subarray(70_000)));
  const held = await carrier.take(as);
  const name = `alice-${Buffer.from(announced.grantId).toString('hex').slice(0, 8)}.png`;
  t.is(held?.picture?.file, path.join(vault.home.inbox, name));
  t.deepEqual(new Uint8Array(await readFile(held!.picture!.file)), bytes);
  t.is((await stat(held!.picture!.file)).mode & 0o777, 0o600);
  t.deepEqual(await readdir(vault.home.incoming), []);
  t.deepEqual(vault.held.list(), [held!]);
});

test('a broken delivery is resumed from where it stopped, for the same snapshot only', async (t) => {
  const vault = await temporaryVault(t);
  const bytes = draw(3_000_000);
  const { announced, as } = parcel(bytes);
  const broken = await opened(vault, announced);
  await broken.write(bytes.subarray(0, 1_234_567));
  await broken.close();
  const other = await opened(vault, parcel(draw(3_000_000)).announced);
  t.is(other.offset, 0);
  await other.discard();
  const resumed = await opened(vault, announced);
  t.is(resumed.offset, 1_234_567);
  await resumed.write(bytes.subarray(resumed.offset));
  t.truthy(await resumed.take(as));
});

test('what is not the announced picture never reaches the inbox', async (t) => {
  const vault = await temporaryVault(t);
  const bytes = draw(1000);
  const { announced, as } = parcel(bytes);
  const long = await opened(vault, announced);
  t.true(await long.write(bytes));
  t.false(await long.write(new Uint8Array([1])), 'more than announced');
  t.is(long.size, 1000);
  await long.discard();

  const short = await opened(vault, announced);
  await short.write(bytes.subarray(1));
  t.is(await short.take(as), undefined);

  const flipped = await opened(vault, announced);
  await flipped.write(bytes.map((byte, at) => (at === 500 ? byte ^ 1 : byte)));
  t.is(await flipped.take(as), undefined);
  t.deepEqual(await readdir(vault.home.inbox), []);
  t.deepEqual(await readdir(vault.home.incoming), [], 'a spoilt one is not resumed');
  t.deepEqual(vault.held.list(), []);
});

test('a grant cannot take the file of another that begins alike', async (t) => {
  const vault = await temporaryVault(t);
  const grantIds = [0, 1].map((last) => new Uint8Array(16).fill(171).fill(last, 15));
  for (const grantId of grantIds) {
    const bytes = draw(100);
    const { announced, as } = parcel(bytes, { grantId });
    const carrier = await opened(vault, announced);
    await carrier.write(bytes);
    await carrier.take(as);
  }
  t.is(new Set(vault.held.list().map(({ picture }) => picture?.file)).size, 2);
  const again = draw(50);
  const { announced, as } = parcel(again, { grantId: grantIds[0]!, version: 2 });
  const carrier = await opened(vault, announced);
  await carrier.write(again);
  const held = await carrier.take(as);
  t.is(path.basename(held!.picture!.file), 'alice-abababab.png', 'a new delivery takes the place of the old');
  t.is(held?.version, 2);
  t.is((await readdir(vault.home.inbox)).length, 2);
});

test('a name that is none never becomes a path', async (t) => {
  const vault = await temporaryVault(t);
  for (const name of ['../alice', 'a/b', '.alice', 'a\u0000', '', 'x'.repeat(33)]) {
    const bytes = draw(10);
    const { announced, as } = parcel(bytes);
    const carrier = await opened(vault, announced);
    await carrier.write(bytes);
    await t.throwsAsync(carrier.take({ ...as, owner: { ...alice, name } }), { message: /name/ });
    await carrier.discard();
  }
  t.deepEqual(await readdir(vault.home.inbox), []);
});

test('leftovers are removed when they are old, and the oldest when they are many', async (t) => {
  const vault = await temporaryVault(t);
  for (let at = 0; at < VAULT_LIMITS.incomingMax + 3; at++) {
    const carrier = await opened(vault, parcel(draw(10)).announced);
    await carrier.write(draw(5));
    await carrier.close();
  }
  const names = await readdir(vault.home.incoming);
  t.is(names.length, VAULT_LIMITS.incomingMax);
  const now = Date.now();
  const old = (now - VAULT_LIMITS.leftoverMs - 1000) / 1000;
  await utimes(path.join(vault.home.incoming, names[0]!), old, old);
  await vault.clean(now);
  t.deepEqual((await readdir(vault.home.incoming)).sort(), names.slice(1).sort());
});

test('a hidden carrier is found by image and cover while its file is there', async (t) => {
  const vault = await temporaryVault(t);
  const bytes = draw(100_000);
  const writer = await vault.carriers.begin();
  await writer.write(bytes.subarray(0, 5));
  await writer.write(bytes.subarray(5));
  const facts = {
    sealId: draw(32),
    secretId: 1,
    payloadDigest: draw(32),
    payloadBytes: 90_000,
    fileKey: draw(32),
    imageId: draw(16),
    cover: 'preview',
    leader: 's3',
    hiddenAtMs: 5,
  };
  const carrier = await writer.keep(facts);
  t.deepEqual(carrier, { ...facts, carrierBytes: bytes.length });
  t.deepEqual(vault.carriers.get(facts.sealId), carrier);
  t.deepEqual(vault.carriers.find(facts.imageId, 'preview'), carrier);
  t.is(vault.carriers.find(facts.imageId, 'dunes'), undefined);
  t.deepEqual(new Uint8Array(await readFile(vault.carriers.file(facts.sealId))), bytes);

  const broken = await vault.carriers.begin();
  await broken.write(bytes);
  await vault.clean(Date.now());
  t.is((await readdir(vault.home.carriers)).length, 2, 'it may still be written to');
  await vault.clean(Date.now() + VAULT_LIMITS.leftoverMs + 1000);
  t.is((await readdir(vault.home.carriers)).length, 1);
  await broken.discard();
});
