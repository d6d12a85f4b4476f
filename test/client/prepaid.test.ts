/** Views unlocked ahead, as people use them: the commands, with every server killed and brought back. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { GivenLine, HeldLine, LogLine, Received } from '../../client/engine.js';
import { awaited } from '../../demo/processes.js';
import { Cast, photos } from './cast.js';

test('prepaid views are shown with every server dead, and told when they are back', async (t) => {
  const cast = await Cast.gather();
  t.teardown(() => cast.leave());
  await cast.openCloud(3);
  const [alice, bob] = [await cast.member('alice'), await cast.member('bob')];
  await alice.start(['--gallery', photos, '--views', '4', '--mode', 'prepaid', '--batch', '3', '--open']);
  await bob.start([]);
  await bob.glimpse(['gallery', 'alice']);
  const received = (await bob.glimpse(['request', 'alice', 'acanthus-mollis.jpg'])).result as Received;
  const { grant } = received;
  t.is(received.mode, 'prepaid');

  t.is((await bob.glimpse(['prepay', grant, '65'])).exit, 2);
  t.like(await bob.glimpse(['prepay', grant, '4']), { exit: 1, error: { reason: 'LIMIT_EXCEEDED' } });
  t.like((await bob.glimpse(['prepay', grant, '2'])).result, { unlocked: 2, prepaid: 2 });
  const held = async () => ((await bob.glimpse(['inbox'])).result as HeldLine[])[0];
  const given = async () => ((await alice.glimpse(['shared'])).result as GivenLine[])[0];
  t.like(await held(), { mode: 'prepaid', prepaid: 2, used: 2, remaining: 4, state: 'ready' });
  t.like(await given(), { mode: 'prepaid', outstanding: 2, used: 2, remaining: 2 });
  t.regex((await alice.run(['shared'])).out, /outstanding[^]*prepaid +2 /);
  t.regex((await bob.run(['inbox'])).out, /prepaid +2 /);

  await cast.killCloud();
  const original = await readFile(path.join(photos, 'acanthus-mollis.jpg'));
  for (const remaining of [3, 2]) {
    const viewed = await bob.glimpse(['view', grant]);
    t.like(viewed, { exit: 0, result: { shown: 'photo', remaining } });
    const { url } = viewed.result as { url: string };
    t.deepEqual(Buffer.from(await (await fetch(url)).arrayBuffer()), original);
  }
  t.is((await bob.glimpse(['view', grant])).exit, 5, 'none is left here, and the cloud cannot be asked');
  t.like(await held(), { prepaid: 0, remaining: null });

  await cast.reviveCloud();
  const told = await awaited(async () => {
    const line = await given();
    return line?.outstanding === 0 ? line : undefined;
  });
  t.like(told, { used: 2, outstanding: 0, remaining: 2 });
  const lines = (await alice.glimpse(['log', grant])).result as LogLine[];
  t.deepEqual(
    lines.filter(({ event }) => event !== 'delivery').map(({ event, count }) => [event, count]),
    [
      ['grant', undefined],
      ['prepaid', 2],
      ['confirmed', undefined],
      ['confirmed', undefined],
    ],
  );
  t.like((await alice.glimpse(['rights', 'bob', grant, '--mode', 'strict'])).result, { mode: 'strict' });
  t.like(await bob.glimpse(['prepay', grant, '1']), { exit: 2, error: { reason: 'INVALID_REQUEST' } });
  t.like(await bob.glimpse(['view', grant]), { exit: 0, result: { remaining: 1 } });
});
