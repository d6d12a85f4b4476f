/** Servers and viewers that stop or die at the worst moment. The people who share photos should hardly notice. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import sharp from 'sharp';
import type { Progress, Received } from '../../../client/engine.js';
import { Unreachable } from '../../../core/rpc/errors.js';
import { awaited } from '../../../demo/processes.js';
import { Ending, aliceAndBob, listing, newcomer, photos, signal, startCloud } from './clouds.js';
import type { RunningCloud, TestClient } from './clouds.js';

const ending = new Ending();
test.after.always(ending.all);

/** Does `fault` to the leader as soon as it has begun to send the carrier. */
function atTheLeader(cloud: RunningCloud, fault: NodeJS.Signals) {
  const struck: string[] = [];
  const leaders = new Set<string>();
  const progress = ({ step, leader = '', fraction = 0 }: Progress): void => {
    if (leader !== '') leaders.add(leader);
    if (step !== 'hiding' || fraction === 0 || struck.length > 0) return;
    struck.push(leader);
    signal(cloud.servers.find(({ id }) => id === leader)!.pid, fault);
  };
  return { struck, leaders, progress };
}

for (const [fault, name] of [
  ['SIGKILL', 'killed'],
  ['SIGSTOP', 'stopped'],
] as const) {
  test.serial(`a leader that is ${name} in the middle of hiding: another does the work again`, async (t) => {
    const cloud = await startCloud(ending, 3, '--no-restart');
    const { alice, bob } = await aliceAndBob(ending, cloud);
    const { struck, leaders, progress } = atTheLeader(cloud, fault);
    // More than fits the connection, or the leader would be done before it is struck.
    const photo = path.join(await ending.folder(), 'large.jpg');
    await sharp('test/photos/acanthus-mollis.jpg').resize(4000).jpeg({ quality: 98 }).toFile(photo);
    const begunMs = Date.now();
    const shared = await alice.engine.share('bob', photo, {}, progress);
    t.log(`shared in ${Date.now() - begunMs} ms`);
    t.is(struck.length, 1, 'the fault came while the leader worked');
    t.is(shared.delivery, 'delivered');
    t.not(shared.leader, struck[0]);
    t.true(leaders.size >= 2);
    const view = await bob.engine.view(shared.grant);
    if (view.shown === 'photo') t.deepEqual(Buffer.from(view.bytes), await readFile(photo));
    t.like(await bob.engine.inbox(), [{ used: 1, remaining: 1 }]);
    t.like(await alice.engine.rights('bob', shared.grant, { add: 1 }), { quota: 3 });
  });
}

test.serial('with the cloud gone, rights wait, and are put when it is back', async (t) => {
  const cloud = await startCloud(ending, 1);
  const { alice, bob } = await aliceAndBob(ending, cloud);
  const shared = await alice.engine.share('bob', 'acanthus-mollis.jpg', { views: 1 });
  const [server] = cloud.servers;
  signal(server!.pid, 'SIGSTOP');
  const viewing = t.throwsAsync(bob.engine.view(shared.grant), { instanceOf: Unreachable });
  t.like(await alice.engine.rights('bob', shared.grant, { add: 2 }), {
    version: 2,
    quota: 3,
    delivered: 'pending',
  });
  t.like(await alice.engine.rights('bob', shared.grant, { add: 1 }), { quota: 4, delivered: 'pending' });
  await viewing;
  signal(server!.pid, 'SIGCONT');
  await bob.told(/changed the rights/);
  const quota = async (): Promise<number> => (await bob.engine.inbox())[0]!.quota;
  while ((await quota()) < 4) await bob.told(/changed the rights/);
  // The two may have told each other before the ledger was told.
  const settled = await awaited(async () => (await alice.engine.shared()).find(({ pending }) => !pending));
  t.like(settled, { quota: 4 });
  const view = await bob.engine.view(shared.grant);
  t.is(view.shown, 'photo');
  t.like(
    (await bob.engine.inbox())[0],
    { used: 1 },
    'a view that was asked for while the cloud was gone is the same view',
  );
});

const program = fileURLToPath(new URL('client.process.js', import.meta.url));

/** The client in a process of its own; the engine in this one is closed. */
async function elsewhere(client: TestClient, ...gallery: string[]): Promise<ChildProcess> {
  await client.engine.close();
  const child = spawn(process.execPath, [program, client.folder, ...gallery], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  ending.add(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) if ('ready' in (JSON.parse(line) as object)) break;
  child.stdout.resume();
  return child;
}

test.serial('a viewer that is stopped counts as offline, and has the picture when it goes on', async (t) => {
  const cloud = await startCloud(ending, 1);
  const alice = await newcomer(ending, cloud, 'alice');
  const bob = await newcomer(ending, cloud, 'bob');
  await alice.up({ gallery: photos });
  await alice.engine.allow('bob', 'request');
  const viewer = await elsewhere(bob);
  viewer.kill('SIGSTOP');
  const shared = await alice.engine.share('bob', 'acanthus-mollis.jpg');
  t.not(shared.delivery, 'delivered');
  await alice.told(/^bob is offline/);
  viewer.kill('SIGCONT');
  await alice.told(/^delivered acanthus-mollis\.jpg to bob$/);
  t.like((await alice.engine.shared())[0], { delivery: 'delivered' });

  viewer.kill('SIGKILL');
  await once(viewer, 'exit');
  const killed = await alice.engine.share('bob', 'airplane-from-above.jpg');
  t.not(killed.delivery, 'delivered');
  await elsewhere(bob);
  await alice.told(/^delivered airplane-from-above\.jpg to bob$/);
  t.is(bob.vault.held.list().length, 2);
});

test.serial('an owner who is killed while she gives: the viewer is told, and asks again later', async (t) => {
  const cloud = await startCloud(ending, 1);
  const alice = await newcomer(ending, cloud, 'alice');
  const bob = await newcomer(ending, cloud, 'bob');
  await alice.engine.allow('bob', 'request');
  const owner = await elsewhere(alice, photos);
  await listing(bob, 'alice');
  const asked = bob.engine.request('alice', '1', {}, ({ step }) => {
    if (step === 'hiding') owner.kill('SIGKILL');
  });
  await t.throwsAsync(asked, { instanceOf: Unreachable, message: /^alice/ });
  await elsewhere(alice, photos);
  const again = async (): Promise<Received> => {
    try {
      return await bob.engine.request('alice', '1');
    } catch (error) {
      if (error instanceof Unreachable) return again();
      throw error;
    }
  };
  t.like(await again(), { quota: 2, remaining: 2 });
  t.is(alice.vault.given.list().length, 1, 'one grant, whatever became of the first attempt');
});
