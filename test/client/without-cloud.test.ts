/** Every server is dead. Those who have met go on: they browse, deliver what was hidden before, exchange rights. */
import test from 'ava';
import type { GivenLine, HeldLine, PhotoLine, Received, RightsChanged, Shared } from '../../client/engine.js';
import { awaited } from '../../demo/processes.js';
import { Cast, photos } from './cast.js';

test('clients that have met work together without the cloud, and it catches up', async (t) => {
  const cast = await Cast.gather();
  t.teardown(() => cast.leave());
  await cast.openCloud(3);
  const [alice, bob] = [await cast.member('alice'), await cast.member('bob')];
  await alice.start(['--gallery', photos, '--views', '3', '--mode', 'prepaid', '--open']);
  const { address } = await bob.start([]);
  await bob.glimpse(['gallery', 'alice']);
  const { grant } = (await bob.glimpse(['request', 'alice', 'acanthus-mollis.jpg'])).result as Received;
  await bob.glimpse(['prepay', grant, '1']);
  await bob.up!.stop();
  const share = ['share', 'bob', 'airplane-from-above.jpg', '--views', '1'];
  t.not(((await alice.glimpse(share)).result as Shared).delivery, 'delivered', 'hidden, and Bob is away');

  t.is((await alice.glimpse(['rights', 'bob', grant, '--add', '2'])).exit, 0);
  const learned = { grant, quota: 5, version: 2 };
  t.like((await bob.glimpse(['inbox'])).result, [learned], 'asked, the ledger tells what it has not sent');

  await cast.killCloud();
  t.like((await bob.glimpse(['inbox'])).result, [learned], 'and that is not forgotten without it');
  await bob.start(['--listen', address]);
  const arrived = await awaited(async () => {
    const lines = (await bob.glimpse(['inbox'])).result as HeldLine[];
    return lines.length === 2 ? lines : undefined;
  });
  t.is(arrived?.length, 2, 'what was hidden before is delivered');
  const listed = await bob.glimpse(['gallery', 'alice']);
  t.is(listed.exit, 0, listed.error?.message);
  t.is((listed.result as { photos: PhotoLine[] }).photos.length, 7, 'browsed');
  t.like(
    (await bob.glimpse(['request', 'alice', 'acanthus-mollis.jpg'])).result,
    { grant },
    'asked for again',
  );
  t.like(
    await bob.glimpse(['request', 'alice', 'allium-oreophilum.jpg']),
    { exit: 5, error: { reason: 'CLOUD_UNREACHABLE' } },
    'never hidden, which needs the cloud',
  );

  const other = arrived!.find((line) => line.grant !== grant)!;
  const added = (await alice.glimpse(['rights', 'bob', other.grant, '--add', '4'])).result as RightsChanged;
  t.like(added, { delivered: 'pending', reached: true, quota: 5 });
  const revoked = (await alice.glimpse(['rights', 'bob', grant, '--revoke'])).result as RightsChanged;
  t.like(revoked, { delivered: 'pending', reached: true, revoked: true });
  const held = async () => (await bob.glimpse(['inbox'])).result as HeldLine[];
  t.like(
    (await held()).find((line) => line.grant === other.grant),
    { quota: 5, version: 2 },
  );
  t.like(
    await bob.glimpse(['view', grant]),
    { exit: 3, error: { reason: 'REVOKED' } },
    'prepaid, and revoked',
  );
  const given = async () => (await alice.glimpse(['shared'])).result as GivenLine[];
  t.true((await given()).every(({ pending }) => pending));

  await cast.reviveCloud();
  const settled = await awaited(async () => {
    const lines = await given();
    return lines.every(({ pending, used }) => !pending && used !== null) ? lines : undefined;
  });
  t.like(
    settled?.find((line) => line.grant === other.grant),
    { version: 2, quota: 5, delivery: 'delivered' },
  );
  t.like(await bob.glimpse(['view', other.grant]), { exit: 0, result: { shown: 'photo', remaining: 4 } });
  t.like(await bob.glimpse(['view', grant]), { exit: 3, error: { reason: 'REVOKED' } });
});
