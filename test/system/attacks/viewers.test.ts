/** Attacks of those who were given a photo and want more of it, and of owners who want what is another's. */
import { cp, readFile, rm } from 'node:fs/promises';
import type { TestFn } from 'ava';
import anyTest from 'ava';
import { fromBinary } from '@bufbuild/protobuf';
import type { HeldLine, Received, Shared } from '../../../client/engine.js';
import { readCarrier } from '../../../core/carrier/read.js';
import { bytesSource } from '../../../core/carrier/source.js';
import { readRights, signRights } from '../../../core/rights/signed.js';
import { open } from '../../../core/seal/seal.js';
import { Person } from '../../../demo/person.js';
import { awaited } from '../../../demo/processes.js';
import { Discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Peer } from '../../../gen/glimpse/v1/peer_pb.js';
import { RightsSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import type { Rights, SignedRights } from '../../../gen/glimpse/v1/rights_pb.js';
import { Stego } from '../../../gen/glimpse/v1/stego_pb.js';
import { Cast } from '../../client/cast.js';
import { collect } from '../../core/streams.js';
import { join } from '../../server/joining.js';
import { answer } from '../household.js';
import { Lines, attackerFrom, refusalOf, signedRights } from './attacker.js';
import { givenBy, openHouse, viewIdAt, viewedBy } from './house.js';
import type { House } from './house.js';

const test = anyTest as TestFn<House>;
const lines = new Lines();

test.before(async (t) => {
  const cast = await Cast.gather();
  t.context = { cast } as House;
  t.context = await openHouse(cast, 3, 2);
});
test.after.always(async (t) => {
  lines.close();
  await t.context.cast.leave();
});

/** The ledger's rights of the grant. */
async function current({ servers, bob, received }: House): Promise<{ signed: SignedRights; rights: Rights }> {
  const discovery = lines.to(Discovery, servers[0]!, attackerFrom(bob).identity);
  const grantIds = [Buffer.from(received.grant, 'hex')];
  const [{ signedRights: signed } = {}] = (await discovery.readGrants({ grantIds })).grants;
  return { signed: signed!, rights: fromBinary(RightsSchema, signed!.rights) };
}

/** Unlocks as Bob, with software of his own. */
async function unlocker(house: House, address = house.servers[0]!) {
  const { grantId, sealId } = (await current(house)).rights;
  const stego = lines.to(Stego, address, attackerFrom(house.bob).identity);
  return (...viewIds: Uint8Array[]) => stego.unlock({ grantId, sealId, viewIds });
}

test.serial('a viewer: asks often, again and too late, and is given what he was granted', async (t) => {
  const house = t.context;
  const { alice, bob, photo, received } = house;
  const unlock = await unlocker(house);
  const used = async () => (await givenBy(house, received.grant)).used;
  const first = viewIdAt(Date.now());
  const { cloudKey } = await unlock(first);
  for (let again = 0; again < 2; again += 1) t.deepEqual((await unlock(first)).cloudKey, cloudKey);
  t.is(await refusalOf(unlock(first)), 'VIEW_ID_STALE', 'released three times');
  t.is(await used(), 1, 'and charged once');

  const oldMs = Date.now() - 63_000;
  const old = viewIdAt(oldMs);
  await unlock(old);
  await awaited(async () => (Date.now() > oldMs + 65_500 ? true : undefined));
  t.is(await refusalOf(unlock(old)), 'VIEW_ID_STALE', 'after its window');
  t.is(await used(), 2);
  t.is(await refusalOf(unlock(viewIdAt(Date.now()))), 'VIEWS_SPENT');
  t.like(await answer<Received>(bob, 'request', 'alice', '1', '--views', '9'), {
    grant: received.grant,
    remaining: 0,
  });

  await answer(alice, 'rights', 'bob', photo, '--add', '2', '--expires', '1s');
  const expiredMs = Date.now() + 1_100;
  t.is(await refusalOf(unlock(viewIdAt(Date.now() + 3_600_000))), 'VIEW_ID_STALE', 'of a time to come');
  t.is(await refusalOf(unlock(viewIdAt(Date.now()), viewIdAt(Date.now()))), 'INVALID_REQUEST', 'two at once');
  await awaited(async () => (Date.now() > expiredMs ? true : undefined));
  t.is(await refusalOf(unlock(viewIdAt(Date.now()))), 'EXPIRED');
  await answer(alice, 'rights', 'bob', photo, '--revoke', '--expires', 'never');
  t.is(await refusalOf(unlock(viewIdAt(Date.now()))), 'REVOKED');
  t.is(await used(), 2);
});

test.serial('anyone who replays or moves rights: changes nothing', async (t) => {
  const house = t.context;
  const { alice, bob, servers, received } = house;
  const [owner, viewer] = [attackerFrom(alice), attackerFrom(bob)];
  const { signed, rights } = await current(house);
  const { version } = rights;
  const put = (who: typeof owner, signedRights: SignedRights) =>
    refusalOf(lines.to(Discovery, servers[0]!, who.identity).putRights({ signedRights }));
  const changed = (changes: Partial<Rights>) => signRights({ ...rights, ...changes }, owner.keys.signing);
  const old = changed({ version: version - 1, revoked: false, quota: 99 });

  t.is(await put(viewer, old), 'NOT_YOURS');
  t.is(await put(owner, old), 'VERSION_CONFLICT', 'an older version');
  t.is(await put(owner, changed({ quota: 99 })), 'VERSION_CONFLICT', 'another of this one');
  t.is(await put(owner, changed({ version: version + 2 })), 'VERSION_CONFLICT', 'one is skipped');
  const next = { version: version + 1, revoked: false };
  const moved = changed({ ...next, imageId: new Uint8Array(16) });
  t.is(await put(owner, moved), 'RIGHTS_CHANGED_IDENTITY', 'to another photo');
  const swapped = changed({ ...next, payloadDigest: new Uint8Array(32) });
  t.is(await put(owner, swapped), 'RIGHTS_CHANGED_IDENTITY', 'to another payload');
  const given = changed({ ...next, viewer: { ...rights.viewer!, name: 'carol' } });
  t.is(await put(owner, given), 'RIGHTS_CHANGED_IDENTITY', 'to another viewer');
  const cheap = { ...signed, rights: changed({ ...next, quota: 99 }).rights };
  t.is(await put(owner, cheap), 'BAD_SIGNATURE', 'without a new signature');

  const { address } = await bob.start([]);
  const peer = lines.toPeer(Peer, address, [owner, viewer]);
  t.is((await peer.updateRights({ signedRights: old })).version, version, 'his client keeps the newest');
  await bob.up!.stop();
  t.is((await current(house)).rights.version, version);
  t.like(await viewedBy(bob, received.grant), { shown: 'cover', reason: 'revoked' });
});

test.serial('an owner who claims another’s seal: gets a key that opens nothing', async (t) => {
  const house = t.context;
  const { alice, cast, servers, photo, received } = house;
  await answer(alice, 'rights', 'bob', photo, '--views', '3');
  const { rights } = await current(house);
  const mallory = await join(cast.joinCode, 'mallory');
  const { imageId, sealId, payloadDigest, payloadBytes, fileKeyCommitment } = rights;
  const claims = { imageId, sealId, payloadDigest, payloadBytes, fileKeyCommitment };
  const signed = signedRights({ owner: mallory, viewer: mallory }, claims);
  await lines.to(Discovery, servers[0]!, mallory.identity).putRights({ signedRights: signed });
  const { grantId } = readRights(signed);
  const stego = lines.to(Stego, servers[0]!, mallory.identity);
  const claimed = await stego.unlock({ grantId, sealId, viewIds: [viewIdAt(Date.now())] });

  const carrier = await readCarrier(bytesSource(await readFile(received.file)));
  const opened = (key: Uint8Array) => collect(open(key, carrier.payload(payloadBytes), 'cloud-lock'));
  await t.throwsAsync(opened(claimed.cloudKey), { name: 'FormatError' });
  const { cloudKey } = await (await unlocker(house))(viewIdAt(Date.now()));
  t.true((await opened(cloudKey)).length > 0, 'Bob’s opens it');
});

test.serial('a viewer with two devices or a thousand requests: spends the last view once', async (t) => {
  const house = t.context;
  const { servers, received, cast } = house;
  t.like(await givenBy(house, received.grant), { quota: 3, used: 3 });
  await answer(house.alice, 'rights', 'bob', house.photo, '--add', '1');
  const unlocks = await Promise.all(servers.map((address) => unlocker(house, address)));
  const racing = Array.from({ length: 1_000 }, (_, at) =>
    unlocks[at % unlocks.length]!(viewIdAt(Date.now())),
  );
  const [, killed] = cast.pids;
  process.kill(killed!, 'SIGKILL');
  const settled = await Promise.allSettled(racing);
  const released = settled.filter(({ status }) => status === 'fulfilled').length;
  t.log(`${released} of ${racing.length} was released, while a server was killed`);
  t.true(released <= 1);
  t.is(await refusalOf(unlocks[0]!(viewIdAt(Date.now()))), 'VIEWS_SPENT');
  t.like(await givenBy(house, received.grant), { quota: 4, used: 4 });
});

/** Copies a vault; what is returned puts the copy in its place. */
async function vaultKept({ home }: Person): Promise<() => Promise<void>> {
  const kept = `${home}-kept`;
  await rm(kept, { recursive: true, force: true });
  await cp(home, kept, { recursive: true });
  return async () => {
    await rm(home, { recursive: true });
    await cp(kept, home, { recursive: true });
  };
}

test.serial('a viewer who restores an old vault (strict): gains no view', async (t) => {
  const { alice, bob, photo, received } = t.context;
  await answer(alice, 'rights', 'bob', photo, '--add', '2');
  const restore = await vaultKept(bob);
  t.like(await viewedBy(bob, received.grant), { shown: 'photo', remaining: 1 });
  await restore();
  t.like(await viewedBy(bob, received.grant), { shown: 'photo', remaining: 0 });
  await restore();
  t.like(await viewedBy(bob, received.grant), { shown: 'cover', reason: 'spent' });
});

test.serial('a viewer who restores an old vault (prepaid): has again what was unlocked ahead', async (t) => {
  const house = t.context;
  const { alice, bob } = house;
  const terms = ['--views', '2', '--mode', 'prepaid'];
  await bob.start([]);
  const { grant } = await answer<Shared>(alice, 'share', 'bob', 'allium-oreophilum.jpg', ...terms);
  await bob.up!.stop();
  await answer(bob, 'prepay', grant, '2');
  const restore = await vaultKept(bob);
  for (const remaining of [1, 0, 1, 0]) {
    t.like(await viewedBy(bob, grant), { shown: 'photo', remaining });
    if (remaining > 0) continue;
    t.like(await viewedBy(bob, grant), { shown: 'cover', reason: 'spent' });
    await restore();
  }
  t.like(await givenBy(house, grant), { quota: 2, used: 2 }, 'and the owner is told nothing of it');
  await answer(alice, 'rights', 'bob', grant, '--revoke');
  await bob.start([]);
  t.like(
    await viewedBy(bob, grant),
    { shown: 'cover', reason: 'revoked' },
    'an honest client, once it hears',
  );
  await bob.up!.stop();
});

/** Someone whose computer's clock is so far ahead. */
function timed({ home, name }: Person, aheadMs: number): Person {
  const clock = `data:text/javascript,const{now}=Date;Date.now=()=>now.call(Date)+${aheadMs}`;
  return new Person(name, home.slice(0, -name.length), () => undefined, [
    'env',
    `NODE_OPTIONS=--import ${clock}`,
  ]);
}

test.serial('a viewer who sets his clock back (prepaid): shows nothing by it', async (t) => {
  const { alice, bob } = t.context;
  const terms = ['--views', '4', '--mode', 'prepaid', '--expires', '2h'];
  await bob.start([]);
  const { grant } = await answer<Shared>(alice, 'share', 'bob', 'locomotion-house-cat.jpg', ...terms);
  await bob.up!.stop();
  await answer(bob, 'prepay', grant, '3');
  const halfHourMs = 1_800_000;
  t.like(await viewedBy(timed(bob, halfHourMs), grant), { shown: 'photo' });
  t.like(await timed(bob, 0).glimpse(['view', grant]), { exit: 1, error: { reason: 'CLOCK_SET_BACK' } });
  t.like(await viewedBy(timed(bob, 5 * halfHourMs), grant), { shown: 'cover', reason: 'expired' });
  t.like(
    await viewedBy(timed(bob, halfHourMs), grant),
    { shown: 'cover', reason: 'expired' },
    'back to before it',
  );
  const held = await answer<HeldLine[]>(bob, 'inbox');
  t.is(held.find((line) => line.grant === grant)!.prepaid, 2);
});
