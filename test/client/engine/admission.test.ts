/** Who is let in, who waits, and whose key is believed. */
import test from 'ava';
import { Refused } from '../../../core/rpc/errors.js';
import type { Refusal } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { Ending, aliceAndBob, listing, newcomer, photos, startCloud, stranger } from './clouds.js';
import type { RunningCloud } from './clouds.js';

const ending = new Ending();
let cloud: RunningCloud;
test.before(async () => {
  cloud = await startCloud(ending, 1);
});
test.after.always(ending.all);

async function reasonOf(promise: Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return error.reason;
    throw error;
  }
}

test.serial(
  'strangers knock once, contacts look, and requests wait for approval or are refused',
  async (t) => {
    const alice = await newcomer(ending, cloud, 'alice1');
    const bob = await newcomer(ending, cloud, 'bob1');
    await alice.up({ gallery: photos });
    t.is(await reasonOf(listing(bob, 'alice1')), Reason.NOT_ADMITTED);
    t.is(await reasonOf(listing(bob, 'alice1')), Reason.NOT_ADMITTED);
    t.is(alice.engine.requests().length, 1, 'however often he knocks');

    await alice.engine.allow('bob1', 'browse');
    t.deepEqual(alice.engine.requests(), []);
    await bob.up();
    const numbers = await listing(bob, 'alice1');
    t.is(await reasonOf(bob.engine.request('alice1', '1', { views: 9 })), Reason.APPROVAL_PENDING);
    t.is(await reasonOf(bob.engine.request('alice1', '2')), Reason.APPROVAL_PENDING);
    const [first, second] = alice.engine.requests();
    t.like(first, { kind: 'request', photo: 'acanthus-mollis.jpg', views: 9, peer: 'bob1' });
    const approved = await alice.engine.approve(first!.id, { views: 4 });
    t.like(approved.shared, { viewer: 'bob1', quota: 4, delivery: 'delivered' });
    t.like(await bob.engine.view(approved.shared!.grant), { shown: 'photo', remaining: 3 });
    t.is((await bob.engine.request('alice1', '1')).grant, approved.shared!.grant, 'it is his now');

    t.like(alice.engine.refuse(second!.id), { id: second!.id });
    t.is(await reasonOf(bob.engine.request('alice1', '2')), Reason.REFUSED_BY_OWNER);
    await t.throwsAsync(alice.engine.approve(second!.id), { instanceOf: Refused });
    t.is(numbers.size, 7);

    await alice.engine.allow('bob1', 'none');
    t.is(await reasonOf(bob.engine.request('alice1', '1')), Reason.NOT_ADMITTED);
    t.is(
      await reasonOf(bob.engine.request('alice1', 'f'.repeat(32))),
      Reason.NOT_ADMITTED,
      'nothing is said of it',
    );
  },
);

test.serial('--open lets every member in, but those whom the owner shut out', async (t) => {
  const alice = await newcomer(ending, cloud, 'alice2');
  const bob = await newcomer(ending, cloud, 'bob2');
  await alice.up({ gallery: photos, open: true });
  t.is((await listing(bob, 'alice2')).size, 7);
  t.like(await bob.engine.request('alice2', '3'), { quota: 2 });
  t.is(await reasonOf(bob.engine.request('alice2', 'f'.repeat(32))), Reason.UNKNOWN_PHOTO);
  await alice.engine.allow('bob2', 'none');
  t.is(await reasonOf(listing(bob, 'alice2')), Reason.NOT_ADMITTED);
});

test.serial('both sides see the same safety number, and a fingerprint verifies', async (t) => {
  const { alice, bob } = await aliceAndBob(ending, cloud, '3');
  const seen = await alice.engine.safety('bob3');
  t.regex(seen.number, /^\d{5}( \d{5}){11}$/);
  t.is((await bob.engine.safety('alice3')).number, seen.number);
  t.false(seen.verified);
  t.true((await alice.engine.markVerified('bob3')).verified);
  const { fingerprint } = await alice.engine.status();
  t.is(await reasonOf(listing(bob, `alice3#${seen.fingerprint}`)), Reason.KEY_CHANGED, 'somebody else’s');
  t.is((await listing(bob, `alice3#${fingerprint}`)).size, 7);
  t.true((await bob.engine.request('alice3', '1')).verified);
});

test.serial('a name with another key is an alarm, and nothing is sent before it was compared', async (t) => {
  const { alice, bob, bobUp } = await aliceAndBob(ending, cloud, '4');
  await listing(bob, 'alice4');
  const got = await bob.engine.request('alice4', '1');
  await bobUp.close();
  const thief = await stranger(ending, 'bob4');
  await thief.engine.recover(cloud.joinCode, 'bob4', bob.recovery!);
  await thief.up();

  t.is(await reasonOf(alice.engine.share('bob4', 'acanthus-mollis.jpg')), Reason.KEY_CHANGED);
  t.is(await reasonOf(listing(thief, 'alice4')), Reason.KEY_CHANGED);
  t.like(
    (await alice.engine.peers()).find(({ name }) => name === 'bob4'),
    { changed: true, policy: 'request' },
  );
  t.is(await reasonOf(bob.engine.view(got.grant)), Reason.KEY_REPLACED, 'the old key is nobody’s');
  t.like(
    await alice.engine.rights('bob4', got.grant, { revoke: true }),
    { delivered: 'held' },
    'revoking goes on',
  );

  const safety = await alice.engine.safety('bob4');
  t.like(safety, { changed: true, verified: false });
  t.is((await thief.engine.safety('alice4')).number, safety.number);
  t.like(await alice.engine.markVerified('bob4'), { changed: false, verified: true });
  const shared = await alice.engine.share('bob4', 'acanthus-mollis.jpg');
  t.like(shared, { again: false, delivery: 'delivered' }, 'another key is another viewer');
  t.like(await thief.engine.view(shared.grant), { shown: 'photo' });
});

test.serial('one who attends under the name elsewhere ends the first', async (t) => {
  const { bob, bobUp } = await aliceAndBob(ending, cloud, '5');
  const copy = await stranger(ending, 'bob5', bob.folder);
  const second = await copy.up();
  const reason = await bobUp.ended;
  t.true(reason instanceof Refused && reason.reason === Reason.ATTENDED_ELSEWHERE);
  await second.close();
});
