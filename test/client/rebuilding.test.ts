/** Vaults that are lost, and stores that are restored: what comes back, and what does not. */
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { GivenLine, HeldLine, Joined, LogLine, Rebuilt, Received, Shared } from '../../client/engine.js';
import type { Person } from '../../demo/person.js';
import { awaited } from '../../demo/processes.js';
import { Cast, photos } from './cast.js';

interface Member {
  readonly person: Person;
  /** Loses the vault, and recovers the name in a new one. */
  readonly loseVault: () => Promise<void>;
}

async function joined(cast: Cast, name: string): Promise<Member> {
  const person = cast.person(name);
  const join = ['join', '-', '--name', name];
  const { recovery } = (await person.glimpse(join, cast.joinCode)).result as Joined;
  const loseVault = async () => {
    await person.up?.crash();
    await rm(person.home, { recursive: true });
    const { exit, error } = await person.glimpse([...join, '--recover', recovery!], cast.joinCode);
    if (exit !== 0) throw new Error(error?.message);
  };
  return { person, loseVault };
}

test('lost vaults, the viewer’s and then the owner’s, are rebuilt from recovery codes and the ledger', async (t) => {
  const cast = await Cast.gather();
  t.teardown(() => cast.leave());
  await cast.openCloud(1);
  const [{ person: alice, loseVault: aliceLoses }, { person: bob, loseVault: bobLoses }] = [
    await joined(cast, 'alice'),
    await joined(cast, 'bob'),
  ];
  await alice.start(['--gallery', photos, '--views', '3', '--open']);
  await bob.start([]);
  await bob.glimpse(['gallery', 'alice']);
  const request = ['request', 'alice', 'acanthus-mollis.jpg'];
  const { grant: first } = (await bob.glimpse(request)).result as Received;
  await bob.glimpse(['view', first]);

  await bobLoses();
  await bob.start([]);
  const rebuilt = async (person: Person, ...words: string[]) =>
    (await person.glimpse(['rebuild', ...words])).result as Rebuilt;
  t.like((await rebuilt(bob)).held, [{ owner: 'alice', former: first, grant: null, why: 'KEY_CHANGED' }]);
  t.is((await alice.glimpse(['verify', 'bob', '--confirm'])).exit, 0);
  const [again] = (await rebuilt(bob)).held;
  t.truthy(again?.grant, again?.why ?? '');
  const second = again!.grant!;
  t.not(second, first);
  t.like(
    ((await bob.glimpse(['inbox'])).result as HeldLine[])[0],
    { quota: 2, remaining: 2 },
    'no new views',
  );
  t.like(await bob.glimpse(['view', second]), { exit: 0, result: { shown: 'photo', remaining: 1 } });
  const ended = await awaited(async () => {
    const lines = (await alice.glimpse(['shared'])).result as GivenLine[];
    return lines.find(({ grant, revoked, pending }) => grant === first && revoked && !pending);
  });
  t.truthy(ended, 'the grant to the lost key is revoked');

  await aliceLoses();
  t.deepEqual((await alice.glimpse(['shared'])).result, []);
  const { given } = await rebuilt(alice);
  t.like(
    given.find(({ grant }) => grant === second),
    { viewer: 'bob', quota: 2, used: 1, revoked: false },
  );
  t.is((await alice.glimpse(['rebuild', '--revoke', 'ffffffff'])).exit, 4);
  t.like((await rebuilt(alice, '--revoke', second)).given, [{ grant: second, revoked: true }]);
  t.like(await bob.glimpse(['view', second]), { exit: 3, error: { reason: 'REVOKED' } });
  const lines = (await bob.glimpse(['log', second])).result as LogLine[];
  t.true(lines.some(({ event, by, remaining }) => event === 'closed' && by === 'alice' && remaining === 0));
  t.is((await bob.glimpse(['rebuild', '--revoke', second])).exit, 4, 'not his to take back');
});

test('owners put again what a restored store lacks', async (t) => {
  const cast = await Cast.gather();
  t.teardown(() => cast.leave());
  await cast.openCloud(1);
  const [alice, bob] = [await cast.member('alice'), await cast.member('bob')];
  await alice.start(['--gallery', photos, '--open']);
  await bob.start([]);
  await bob.glimpse(['gallery', 'alice']);
  const early = (await bob.glimpse(['request', 'alice', 'allium-oreophilum.jpg'])).result as Received;
  await cast.cloud!.stop();
  cast.cloud = undefined;
  const backup = path.join(cast.folder, 'backup');
  await cp(cast.data, backup, { recursive: true });
  await cast.reviveCloud();
  const shared = ['share', 'bob', 'acanthus-mollis.jpg', '--views', '2'];
  const { grant } = (await alice.glimpse(shared)).result as Shared;
  for (const each of [grant, early.grant]) await alice.glimpse(['rights', 'bob', each, '--add', '1']);
  await alice.glimpse(['rights', 'bob', grant, '--add', '1']);
  await alice.glimpse(['shared']);
  await cast.killCloud();
  await rm(cast.data, { recursive: true });
  await cp(backup, cast.data, { recursive: true });
  await cast.reviveCloud();
  const whole = await awaited(async () => {
    const lines = (await bob.glimpse(['inbox'])).result as HeldLine[];
    // Bob may have been away when it was shared: it is delivered when he is back.
    const known = lines.filter(({ used }) => used !== null).map((line) => line.grant);
    return known.includes(grant) && known.includes(early.grant) ? lines : undefined;
  });
  t.like(
    whole?.find((line) => line.grant === grant),
    { version: 3, quota: 4, used: 0, state: 'ready' },
  );
  t.like(await bob.glimpse(['view', grant]), { exit: 0, result: { shown: 'photo', remaining: 3 } });
  t.like(await bob.glimpse(['view', early.grant]), { exit: 0, result: { shown: 'photo', remaining: 3 } });
  t.like(
    await alice.glimpse(['log', grant, '--verify']),
    { exit: 1, error: { reason: 'LOG_BROKEN' } },
    'said',
  );
});
