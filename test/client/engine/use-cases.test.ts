/** The four use cases, between two clients on a cloud of processes. */
import { cp } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { Refused, Unreachable } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import {
  Ending,
  aliceAndBob,
  holdingPieces,
  listing,
  newcomer,
  original,
  photos,
  startCloud,
  stranger,
} from './clouds.js';
import type { RunningCloud } from './clouds.js';

const ending = new Ending();
let cloud: RunningCloud;
test.before(async () => {
  cloud = await startCloud(ending, 1);
});
test.after.always(ending.all);

const photo = 'landscapes/nagasaki-boats.jpg';

test.serial('request, view to the limit, see the cover, get more, be revoked', async (t) => {
  const { alice, bob } = await aliceAndBob(ending, cloud, '1');
  const numbers = await listing(bob, 'alice1');
  t.is(numbers.size, 7);
  const steps: string[] = [];
  const got = await bob.engine.request('alice1', String(numbers.get(photo)), { views: 9 }, ({ step }) =>
    steps.push(step),
  );
  t.like(got, { owner: 'alice1', quota: 2, remaining: 2, mode: 'strict', verified: false });
  t.deepEqual([...new Set(steps)], ['sealing', 'electing', 'hiding', 'registering', 'delivering']);
  await alice.told(/^delivered landscapes\/nagasaki-boats\.jpg to bob1$/);

  const again = await bob.engine.request('alice1', got.image);
  t.is(again.grant, got.grant, 'asking again delivers the same grant');

  const bytes = await original(photo);
  for (const remaining of [1, 0]) {
    const view = await bob.engine.view(got.grant.slice(0, 6));
    t.like(view, { shown: 'photo', mediaType: 'image/jpeg', name: 'nagasaki-boats.jpg', remaining });
    if (view.shown === 'photo') t.deepEqual(Buffer.from(view.bytes), bytes, 'byte for byte');
  }
  const cover = await bob.engine.view(got.file);
  t.like(cover, { shown: 'cover', reason: 'spent', remaining: 0 });
  t.is((await bob.engine.request('alice1', got.image)).remaining, 0, 'asking again adds nothing');
  t.like((await bob.engine.inbox())[0], {
    state: 'spent',
    used: 2,
    remaining: 0,
    photo: 'nagasaki-boats.jpg',
  });

  t.like(await alice.engine.rights('bob1', photo, { add: 2 }), { version: 2, quota: 4, delivered: 'direct' });
  t.like(await bob.engine.view(got.file), { shown: 'photo', remaining: 1 });
  t.like((await alice.engine.shared())[0], { used: 3, remaining: 1, version: 2, delivery: 'delivered' });

  t.like(await alice.engine.rights('bob1', got.grant, { revoke: true }), { version: 3, delivered: 'direct' });
  t.like(await bob.engine.view(got.file), { shown: 'cover', reason: 'revoked' });
  const refused = await t.throwsAsync(bob.engine.request('alice1', got.image), { instanceOf: Refused });
  t.is(refused.reason, Reason.REVOKED);

  const log = await alice.engine.log(got.grant);
  t.is(log.flaw, null);
  const events = log.lines
    .map(({ event }) => event)
    .filter((event) => event !== 'confirmed' && event !== 'refusal');
  t.deepEqual(events, ['grant', 'delivery', 'view', 'view', 'update', 'view', 'update']);
  t.true(log.lines.some(({ event, reason }) => event === 'refusal' && reason === 'VIEWS_SPENT'));

  t.true((await holdingPieces(photos, bytes)).length > 0, 'the search finds what is there');
  t.deepEqual(
    await holdingPieces(cloud.data, bytes),
    [],
    'no disk or log of a server holds a piece of the photo',
  );
  t.deepEqual(await holdingPieces(bob.folder, bytes), [], 'nor does the viewer’s');
});

test.serial(
  'rights of the absent are held, and taken on return; what was shared meanwhile arrives',
  async (t) => {
    const { alice, bob, bobUp } = await aliceAndBob(ending, cloud, '2');
    const numbers = await listing(bob, 'alice2');
    const got = await bob.engine.request('alice2', String(numbers.get(photo)), { views: 1 });
    await bobUp.close();
    t.like(await alice.engine.rights('bob2', got.grant, { views: 5 }), { version: 2, delivered: 'held' });
    t.like(await alice.engine.rights('bob2', got.grant, { add: 1 }), {
      version: 3,
      quota: 6,
      delivered: 'held',
    });
    const shared = await alice.engine.share('bob2', 'acanthus-mollis.jpg', { views: 4, cover: 'dunes' });
    t.like(shared, { quota: 4, delivery: 'waiting', again: false });
    t.like((await alice.engine.shared())[0], { delivery: 'waiting', photo: 'acanthus-mollis.jpg' });

    await bob.up();
    await bob.told(/changed the rights/);
    await bob.told(/^alice2 \(unverified\) sent .*\.png$/);
    await alice.told(/^delivered acanthus-mollis/);
    t.is(bob.vault.held.get(Buffer.from(got.grant, 'hex'))?.version, 3, 'the newest alone');
    t.like(await bob.engine.view(shared.grant), { shown: 'photo', remaining: 3 });
    t.deepEqual((await alice.engine.status()).waiting.outbox, []);
    const again = await alice.engine.share('bob2', 'acanthus-mollis.jpg', { views: 9 });
    t.like(again, { quota: 4, delivery: 'delivered', again: true }, 'sharing again adds nothing');
  },
);

test.serial('a picture that was taken back counts as unopened until its viewer has looked', async (t) => {
  const { alice, bob } = await aliceAndBob(ending, cloud, '7');
  const { grant } = await alice.engine.share('bob7', 'acanthus-mollis.jpg', { views: 4 });
  await alice.engine.rights('bob7', grant, { revoke: true });
  const { fingerprint } = alice.vault.identity.get()!;
  t.is(bob.vault.held.unasked(fingerprint).count, 1);
  t.like(await bob.engine.view(grant), { shown: 'cover', reason: 'revoked' });
  t.is(bob.vault.held.unasked(fingerprint).count, 0);
});

test.serial('without `up` a client asks, receives and views; its mailbox waits for it', async (t) => {
  const { alice } = await aliceAndBob(ending, cloud, '3');
  const carol = await newcomer(ending, cloud, 'carol3');
  await t.throwsAsync(carol.engine.request('alice3', '1'), { instanceOf: Refused }, 'no listing yet');
  const knock = await t.throwsAsync(listing(carol, 'alice3'), { instanceOf: Refused });
  t.is(knock.reason, Reason.NOT_ADMITTED);
  const [waiting] = alice.engine.requests();
  t.like(waiting, { peer: 'carol3', kind: 'knock' });
  await alice.engine.approve(waiting!.id);
  t.deepEqual(alice.engine.requests(), []);
  const numbers = await listing(carol, 'alice3');
  const got = await carol.engine.request('alice3', String(numbers.get(photo)));
  t.like(await carol.engine.view(got.grant), { shown: 'photo', remaining: 1 });
  t.like(await alice.engine.rights('carol3', got.grant, { add: 1 }), { delivered: 'held' });
  t.like(await carol.engine.view(got.grant), { shown: 'photo', remaining: 1 }, 'the ledger’s rights count');
});

test.serial('who is unknown is told so, who is offline too', async (t) => {
  const { alice, bob, bobUp } = await aliceAndBob(ending, cloud, '4');
  const unknown = await t.throwsAsync(listing(bob, 'nobody'), { instanceOf: Refused });
  t.is(unknown.reason, Reason.UNKNOWN_PEER);
  await bobUp.close();
  await t.throwsAsync(listing(alice, 'bob4'), {
    instanceOf: Unreachable,
    message: /^bob4 (is offline|does not answer)/,
  });
  const peers = await alice.engine.peers();
  t.like(
    peers.find(({ name }) => name === 'bob4'),
    { online: false, policy: 'request', verified: false },
  );
});

test.serial(
  'an owner with an older copy of her vault gives the grant that the ledger has, hidden anew',
  async (t) => {
    const { alice, bob, aliceUp } = await aliceAndBob(ending, cloud, '6');
    await aliceUp.close();
    const older = await ending.folder();
    await cp(alice.folder, older, { recursive: true });
    const first = await alice.engine.share('bob6', path.join(photos, photo), { views: 3 });
    t.is(first.delivery, 'delivered');
    const before = path.join(older, 'as delivered first.png');
    const [held] = await bob.engine.inbox();
    await cp(held!.file, before);
    t.like(await bob.engine.view(first.grant), { shown: 'photo', remaining: 2 });
    await alice.engine.close();

    const restored = await stranger(ending, 'alice6', older);
    const again = await restored.engine.share('bob6', path.join(photos, photo), { views: 9 });
    t.like(again, { grant: first.grant, quota: 3, delivery: 'delivered' });
    t.like((await restored.engine.shared())[0], { used: 1, remaining: 2, version: 2 });
    const superseded = await t.throwsAsync(bob.engine.view(before), { instanceOf: Refused });
    t.is(superseded.reason, Reason.CARRIER_SUPERSEDED);
    t.like(await bob.engine.view(first.grant), { shown: 'photo', remaining: 1 });
  },
);

test.serial('one who has not joined can do nothing yet, and a second join is the same', async (t) => {
  const dave = await stranger(ending, 'dave');
  t.like(await dave.engine.status(), { name: null, cloud: { reachable: false } });
  await t.throwsAsync(dave.engine.peers(), { name: 'NotJoined' });
  const joined = await dave.engine.join(cloud.joinCode, 'dave');
  t.like(await dave.engine.join(cloud.joinCode, 'dave'), { fingerprint: joined.fingerprint, recovery: null });
  await t.throwsAsync(dave.engine.join(cloud.joinCode, 'eve'), { name: 'VaultError' });
  const eve = await stranger(ending, 'eve');
  const taken = await t.throwsAsync(eve.engine.join(cloud.joinCode, 'dave'), { instanceOf: Refused });
  t.is(taken.reason, Reason.NAME_TAKEN);
  await t.throwsAsync(eve.engine.join(`${cloud.joinCode}x`, 'eve'), { name: 'FormatError' });
});
