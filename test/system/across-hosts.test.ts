/** A cloud of three computers, a server and a member of etcd on each, until one of them is cut off. */
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { PhotoLine, Received } from '../../client/engine.js';
import { serverProgram } from '../../demo/cloud.js';
import { Etcd, isEtcdInstalled } from '../../demo/etcd.js';
import type { Host } from '../../demo/network.js';
import { Running, mortal } from '../../demo/processes.js';
import { answer, member } from './household.js';
import { layNetwork } from './network.js';
import { skip, temporaryFolder } from './prerequisites.js';

interface Viewed {
  readonly shown: string;
  readonly remaining: number;
}

const photos = path.resolve('test/photos');
const [port, enrolmentPort] = [7610, 7611];

/** glimpse-server on a host, with what the hosts have in common. */
function serverOn(t: ExecutionContext, host: Host, folder: string, words: readonly string[]): Running {
  const running = new Running({
    name: words.join(' '),
    words: [serverProgram, ...words, '--json'],
    through: [...mortal, ...host.through],
    environment: {},
    output: path.join(folder, 'logs', `${host.address}-${words[0]!}.out`),
  });
  t.teardown(() => running.kill());
  return running;
}

test('across three hosts with an etcd of three members, and with one of them cut off', async (t) => {
  t.timeout(280_000);
  if (!isEtcdInstalled()) {
    skip(t, 'etcd is not installed', 'install Debian’s etcd-server');
    return;
  }
  const network = await layNetwork(t);
  if (network === undefined) return;
  const folder = await temporaryFolder(t);
  await mkdir(path.join(folder, 'logs'));
  const hosts = [await network.host(), await network.host(), await network.host()];
  const [alices, bobs] = [await network.host(), await network.host()];
  const places = hosts.map(({ address, through }, index) => ({
    ...{ name: `m${index + 1}`, host: address, clientPort: 2379, peerPort: 2380 },
    through: [...mortal, ...through],
  }));
  const etcd = await Etcd.start({ places });
  t.teardown(() => etcd.remove());

  // The first makes the cluster’s folder; the others are given it, as docs/deploy.md says.
  const dataOf = (index: number): string => path.join(folder, `data${index}`);
  const ids = ['a', 'b', 'c'];
  const peers = ids.map((id, index) => `${id}=${hosts[index]!.address}:${port}`).join(',');
  const started: Running[] = [];
  for (const [index, host] of hosts.entries()) {
    if (index > 0)
      await cp(path.join(dataOf(0), 'cluster'), path.join(dataOf(index), 'cluster'), { recursive: true });
    const listen = ['--listen', `${host.address}:${port}`, '--enrol', `${host.address}:${enrolmentPort}`];
    const words = ['run', '--id', ids[index]!, '--data', dataOf(index), ...listen, '--peers', peers];
    const server = serverOn(t, host, folder, [...words, '--store', etcd.location()]);
    await server.ready();
    started.push(server);
  }
  const code = ['invite', '--data', dataOf(0), '--store', etcd.location(), '--uses', '2'];
  const { joinCode } = (await serverOn(t, hosts[0]!, folder, code).ready()) as { joinCode: string };

  const at = ({ address }: Host) => ['--listen', `${address}:0`, '--advertise', address];
  const alice = await member(t, 'alice', { folder, joinCode, through: alices.through });
  const bob = await member(t, 'bob', { folder, joinCode, through: bobs.through });
  await alice.start([...at(alices), '--gallery', photos, '--open']);
  await bob.start(at(bobs));
  await answer(bob, 'allow', 'alice', 'request');
  const { photos: listed } = await answer<{ photos: PhotoLine[] }>(bob, 'gallery', 'alice');
  const first = await answer<Received>(bob, 'request', 'alice', String(listed[0]!.number));
  t.like(await answer<Viewed>(bob, 'view', first.grant), { shown: 'photo', remaining: first.remaining! - 1 });

  hosts[2]!.cable('down');
  const cutMs = Date.now();
  t.like(await answer<Viewed>(bob, 'view', first.grant), { shown: 'photo', remaining: first.remaining! - 2 });
  t.log(`a view ${Date.now() - cutMs} ms after a host was cut off`);
  const second = await answer<Received>(bob, 'request', 'alice', String(listed[1]!.number));
  t.like(await answer<Viewed>(bob, 'view', second.grant), { shown: 'photo' });
  t.log(`and a picture hidden, delivered and viewed after ${Date.now() - cutMs} ms`);

  hosts[2]!.cable('up');
  t.like(await answer<Viewed>(bob, 'view', first.grant), { shown: 'photo', remaining: first.remaining! - 3 });
  t.deepEqual(
    started.map(({ ended }) => ended),
    [false, false, false],
    'whoever was cut off is still there',
  );
});
