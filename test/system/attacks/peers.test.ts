/** Attacks of members on each other's clients, of a cloud that lies to them, and of whoever ends its servers. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { TestFn } from 'ava';
import anyTest from 'ava';
import Database from 'better-sqlite3';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HeldLine, PeerLine, Safety, Shared } from '../../../client/engine.js';
import { PEER_LIMITS } from '../../../client/peer/limits.js';
import { openVault } from '../../../client/vault/vault.js';
import { makeCapsule } from '../../../core/rights/capsule.js';
import { readRights } from '../../../core/rights/signed.js';
import { fileKeyCommitment } from '../../../core/seal/keys.js';
import { Discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Peer } from '../../../gen/glimpse/v1/peer_pb.js';
import type { DeliverRequestSchema, DeliverResponse, ParcelSchema } from '../../../gen/glimpse/v1/peer_pb.js';
import { NameRecordSchema } from '../../../gen/glimpse/v1/records_pb.js';
import { CapsuleSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import type { SignedRights } from '../../../gen/glimpse/v1/rights_pb.js';
import { Stego } from '../../../gen/glimpse/v1/stego_pb.js';
import type { Person } from '../../../demo/person.js';
import { Cast } from '../../client/cast.js';
import { carrierOf } from '../../core/carrier/samples.js';
import { drawIdentity } from '../../identities.js';
import { join } from '../../server/joining.js';
import { answer } from '../household.js';
import { Lines, attackerFrom, refusalOf, signedRights } from './attacker.js';
import type { Attacker } from './attacker.js';
import { clusterOf, givenBy, openHouse, viewIdAt, viewedBy } from './house.js';
import type { House } from './house.js';

interface Scene extends House {
  readonly mallory: Attacker;
  /** Where Bob's client listens, host:port. */
  readonly bobAt: string;
}

const test = anyTest as TestFn<Scene>;
const lines = new Lines();

test.before(async (t) => {
  const cast = await Cast.gather();
  t.context = { cast } as Scene;
  const house = await openHouse(cast, 2, 2);
  const { address: bobAt } = await house.bob.start([]);
  t.context = { ...house, bobAt, mallory: await join(cast.joinCode, 'mallory') };
});
test.after.always(async (t) => {
  lines.close();
  await t.context.cast.leave();
});

type Parcel = MessageInitShape<typeof ParcelSchema>;
type Said = MessageInitShape<typeof DeliverRequestSchema>;

function parcelOf(rights: SignedRights, { bundle }: Attacker, changes: Partial<Parcel> = {}): Parcel {
  const { grantId } = readRights(rights);
  const announced = { grantId, snapshot: randomBytes(32), carrierBytes: 200_000, leader: 's1' };
  return { ...announced, signedRights: rights, ownerKeys: bundle, ...changes };
}

/** Sends Bob a parcel and then whatever else. @returns what came of it */
async function deliver({ mallory, bob, bobAt }: Scene, parcel: Parcel, carrier: Iterable<Uint8Array>) {
  const peer = lines.toPeer(Peer, bobAt, [mallory, attackerFrom(bob)]);
  const requests = async function* (): AsyncGenerator<Said> {
    yield { message: { case: 'parcel', value: parcel } };
    for (const value of carrier) yield { message: { case: 'carrier', value } };
  };
  const heard: (string | undefined)[] = [];
  const listen = async () => {
    for await (const { message } of peer.deliver(requests())) heard.push(message.case);
  };
  return (await refusalOf(listen())) ?? heard.at(-1);
}

function* endless(): Generator<Uint8Array> {
  for (;;) yield new Uint8Array(65_536);
}

/** A PNG of 2^31 - 1 pixels each way, 16 bits a sample. */
function bomb(): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const framed = Buffer.alloc(12 + data.length);
    framed.writeUInt32BE(data.length);
    framed.write(type, 4, 'latin1');
    data.copy(framed, 8);
    framed.writeUInt32BE(crc32(framed.subarray(4, -4)), 8 + data.length);
    return framed;
  };
  const header = Buffer.from('7fffffff7fffffff1002000000', 'hex');
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', Buffer.alloc(1_000)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** A true picture for Bob of nothing in particular. */
async function gift({ mallory, bob }: Scene): Promise<{ parcel: Parcel; carrier: Buffer }> {
  const fileKey = randomBytes(32);
  const viewer = attackerFrom(bob);
  const rights = signedRights(
    { owner: mallory, viewer },
    { payloadBytes: 1_000, fileKeyCommitment: fileKeyCommitment(fileKey) },
  );
  const capsule = create(CapsuleSchema, { signedRights: rights, ownerKeys: mallory.bundle, fileKey });
  const slot = await makeCapsule(capsule, viewer.bundle.agreementKey, randomBytes(32));
  const carrier = await carrierOf(randomBytes(1_000), 'fast', { slot });
  const announced = { snapshot: digest(carrier), carrierBytes: carrier.length };
  return { parcel: parcelOf(rights, mallory, announced), carrier };
}

async function filesOf({ bob }: Scene): Promise<{ inbox: string[]; incoming: string[] }> {
  const [inbox, incoming] = await Promise.all(
    ['inbox', 'incoming'].map((name) => readdir(path.join(bob.home, name))),
  );
  return { inbox: inbox!, incoming: incoming! };
}

test.serial('a malicious peer: fills, crashes, overwrites and holds up nothing', async (t) => {
  const scene = t.context;
  const { mallory, alice, bob, received } = scene;
  const viewer = attackerFrom(bob);
  const rights = () => signedRights({ owner: mallory, viewer });

  const peer = lines.toPeer(Peer, scene.bobAt, [mallory, viewer]);
  const dawdling = Array.from({ length: PEER_LIMITS.incomingPerPeerMax }, async () => {
    const said = async function* (): AsyncGenerator<Said> {
      yield { message: { case: 'parcel', value: parcelOf(rights(), mallory) } };
      await new Promise(() => undefined);
    };
    const replies = peer.deliver(said())[Symbol.asyncIterator]();
    const first = (await replies.next()) as IteratorResult<DeliverResponse, undefined>;
    return { ready: first.value?.message.case, end: refusalOf(replies.next()) };
  });
  const slow = await Promise.all(dawdling);
  t.deepEqual([...new Set(slow.map(({ ready }) => ready))], ['ready']);
  t.is(await deliver(scene, parcelOf(rights(), mallory), []), 'SENDER_LIMIT', 'one more that dawdles');
  const shared = await answer<Shared>(alice, 'share', 'bob', 'locomotion-house-cat.jpg');
  t.is(shared.delivery, 'delivered', 'nobody else waits for them');
  for (const { end } of slow) t.is(await end, 'BAD_STREAM', 'who dawdles is sent away');

  t.is(await deliver(scene, parcelOf(rights(), mallory), endless()), 'BAD_STREAM');
  const png = bomb();
  const announced = { snapshot: digest(png), carrierBytes: png.length };
  t.is(await deliver(scene, parcelOf(rights(), mallory, announced), [png]), 'BAD_CARRIER');

  const grantId = Buffer.from(received.grant, 'hex');
  const stolen = signedRights({ owner: mallory, viewer }, { grantId, version: 99 });
  t.is(await deliver(scene, parcelOf(stolen, mallory), endless()), 'KEY_CHANGED', 'Alice’s grant');
  t.is(await refusalOf(peer.updateRights({ signedRights: stolen })), 'KEY_CHANGED');

  let taken = 0;
  const escaped = '../../../escaped';
  for (let came: string | undefined = 'taken'; came === 'taken'; taken += 1) {
    const { parcel, carrier } = await gift(scene);
    came = await deliver(scene, { ...parcel, leader: escaped }, [carrier]);
    if (came !== 'taken') t.is(came, 'SENDER_LIMIT');
  }
  t.is(taken - 1, PEER_LIMITS.unaskedCountMax, 'of a thousand');
  const { inbox, incoming } = await filesOf(scene);
  t.is(inbox.length, 2 + PEER_LIMITS.unaskedCountMax);
  t.is(incoming.length, slow.length, 'what dawdled may be resumed, for a day');
  t.true(inbox.every((name) => /^(?:alice|mallory)-[0-9a-f]{8}\.png$/.test(name)));
  const places = ['inbox', 'incoming', '.', '..'].map((place) => path.join(bob.home, place, escaped));
  t.false(
    places.some((place) => existsSync(place)),
    'a leader whose name is a path',
  );
  t.like(await viewedBy(bob, received.grant), { shown: 'photo' });
});

test.serial('someone who lies that another is offline: is not believed', async (t) => {
  const { mallory, servers } = t.context;
  for (const address of servers) {
    const discovery = lines.to(Discovery, address, mallory.identity);
    const { entry } = await discovery.lookUp({ name: 'bob' });
    const reports = Array.from({ length: 20 }, () =>
      discovery.reportOffline({ name: 'bob', sessionId: entry!.sessionId }),
    );
    t.true((await Promise.all(reports)).every(({ online }) => online));
    t.true((await discovery.lookUp({ name: 'bob' })).entry!.online);
  }
});

/** The hiding that someone's picture is of. */
function sealOf({ home }: Person, grantId: Uint8Array): Uint8Array {
  const vault = openVault(home);
  try {
    return readRights(vault.held.get(grantId)!.signedRights).sealId;
  } finally {
    vault.close();
  }
}

/** The directory says that a name has other keys, for as long as `act` takes. */
async function lying<Result>(
  { cast }: House,
  [name, { bundle }]: readonly [name: string, of: Attacker],
  act: () => Promise<Result>,
): Promise<Result> {
  const database = new Database(path.join(cast.data, 'store.sqlite'), { timeout: 5_000 });
  const put = (value: Uint8Array) =>
    database.prepare('UPDATE rows SET value = ? WHERE key = ?').run(Buffer.from(value), `name/${name}`);
  const row = database.prepare('SELECT value FROM rows WHERE key = ?').pluck();
  const before = row.get(`name/${name}`) as Buffer;
  const record = create(NameRecordSchema, { ...fromBinary(NameRecordSchema, before), keys: bundle });
  try {
    put(toBinary(NameRecordSchema, record));
    return await act();
  } finally {
    put(before);
    database.close();
  }
}

test.serial(
  'a cloud that lies about keys: is found out by those who compare, and by those who met',
  async (t) => {
    const scene = t.context;
    const { alice, bob, cast, mallory, aliceAt } = scene;
    const carol = await cast.member('carol');
    const seen = await lying(scene, ['alice', mallory], async () => {
      t.like(await bob.glimpse(['gallery', 'alice']), { exit: 6, error: { reason: 'KEY_CHANGED' } });
      const peers = await answer<PeerLine[]>(bob, 'peers');
      t.like(
        peers.find(({ name }) => name === 'alice'),
        { changed: true },
      );
      return answer<Safety>(carol, 'verify', 'alice');
    });
    t.false(seen.verified);
    t.not(seen.number, (await answer<Safety>(alice, 'verify', 'carol')).number, 'carol met the wrong one');
    t.is((await carol.glimpse(['gallery', 'alice'])).exit, 6, 'and hears of it when the lie ends');

    const { authority } = await clusterOf(scene);
    const identity = await drawIdentity(authority, 'client', 'bob', mallory.keys.signing);
    const peer = lines.toPeer(Peer, aliceAt, [{ ...mallory, identity }, attackerFrom(alice)]);
    const look = async () => refusalOf(peer.browse({})[Symbol.asyncIterator]().next());
    t.is(await look(), 'KEY_REPLACED', 'a false certificate for Bob’s name');
    t.is(await lying(scene, ['bob', mallory], look), 'KEY_CHANGED', 'and a false directory too');
  },
);

test.serial('a server that is stopped, killed or cut off: undoes nothing and gives nothing', async (t) => {
  const scene = t.context;
  const { alice, bob, cast, photo, received } = scene;
  const { used } = await givenBy(scene, received.grant);
  const stego = lines.to(Stego, cast.addresses[0]!, attackerFrom(bob).identity);
  const grantId = Buffer.from(received.grant, 'hex');
  const unlock = (sealId: Uint8Array) =>
    refusalOf(stego.unlock({ grantId, sealId, viewIds: [viewIdAt(Date.now())] }, { deadlineMs: 60_000 }));
  t.is(await unlock(randomBytes(32)), 'CARRIER_SUPERSEDED', 'there is a connection');
  const [stopped] = cast.pids as [number, ...number[]];
  process.kill(stopped, 'SIGSTOP');
  const late = unlock(sealOf(bob, grantId));
  await answer(alice, 'rights', 'bob', photo, '--revoke').finally(() => process.kill(stopped, 'SIGCONT'));
  t.true(['REVOKED', 'Unreachable'].includes((await late)!), 'what waited at a stopped server');
  await cast.killCloud();
  await cast.reviveCloud();
  t.like(await givenBy(scene, received.grant), { used });
  t.like(await viewedBy(bob, received.grant), { shown: 'cover', reason: 'revoked' });
  const held = await answer<HeldLine[]>(bob, 'inbox');
  t.is(held.filter(({ owner }) => owner === 'alice').length, 2, 'and no photo was lost');
});
