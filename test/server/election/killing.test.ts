/** Three members in processes of their own: killed and stopped in the middle, restarted and resumed. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Identity } from '../../../core/identity/tls.js';
import type { Client } from '../../../core/rpc/method.js';
import type { Election } from '../../../gen/glimpse/v1/election_pb.js';
import type { Parts } from './member-process.js';
import { ask, clientOf, ids, isWhole, makeCloud, shows } from './ring-of-three.js';
import type { Cloud } from './ring-of-three.js';

interface Running {
  readonly process: ChildProcess;
  readonly client: Client<typeof Election>;
}

async function startProcess(t: ExecutionContext, cloud: Cloud, id: string): Promise<Running> {
  const child = fork(new URL('./member-process.js', import.meta.url), { stdio: 'inherit' });
  t.teardown(() => child.kill('SIGKILL'));
  child.send(partsOf(id, cloud.servers.get(id)!, cloud.directory));
  const [message] = (await once(child, 'message')) as [{ address?: string; failed?: string }];
  if (message.address === undefined) throw new Error(message.failed);
  return { process: child, client: clientOf(t, message.address, cloud.alice) };
}

const partsOf = (id: string, identity: Identity, directory: string): Parts => ({
  id,
  directory,
  authority: Buffer.from(identity.authority).toString('base64'),
  certificate: Buffer.from(identity.certificate).toString('base64'),
  privateKey: identity.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
});

async function startTrio(t: ExecutionContext): Promise<{ cloud: Cloud; trio: Map<string, Running> }> {
  const cloud = await makeCloud(t);
  const trio = new Map<string, Running>();
  for (const id of ids) trio.set(id, await startProcess(t, cloud, id));
  for (const { client } of trio.values()) await shows(client, isWhole(ids));
  return { cloud, trio };
}

/** The victim held the token last: its own request was granted there. */
async function disturb(
  trio: Map<string, Running>,
  victim: string,
  signal: NodeJS.Signals,
): Promise<number[]> {
  const survivors = ids.filter((id) => id !== victim).map((id) => trio.get(id)!.client);
  await Promise.all(survivors.map((client) => client.elect(ask())));
  await trio.get(victim)!.client.elect(ask());
  trio.get(victim)!.process.kill(signal);
  const began = performance.now();
  return Promise.all(
    survivors.map(async (client) => {
      await client.elect(ask(), { deadlineMs: 30_000 });
      return performance.now() - began;
    }),
  );
}

test.serial('the ring elects on after a kill -9, and takes the restarted server back', async (t) => {
  const { cloud, trio } = await startTrio(t);
  for (const victim of ids) {
    const waitedMs = await disturb(trio, victim, 'SIGKILL');
    t.log(`${victim} killed: ${waitedMs.map((ms) => ms.toFixed(1)).join(', ')} ms`);
    // 50 ms is the aim on an idle machine; a test shares its machine.
    t.true(Math.max(...waitedMs) < 1000);
    trio.set(victim, await startProcess(t, cloud, victim));
    for (const { client } of trio.values()) await shows(client, isWhole(ids));
  }
});

test.serial('the ring elects on while a member is stopped, and takes it back', async (t) => {
  const { trio } = await startTrio(t);
  const waitedMs = await disturb(trio, 'b', 'SIGSTOP');
  t.log(`b stopped: ${waitedMs.map((ms) => ms.toFixed(1)).join(', ')} ms`);
  t.true(Math.max(...waitedMs) < 2000);
  await shows(trio.get('a')!.client, isWhole(['a', 'c']));
  trio.get('b')!.process.kill('SIGCONT');
  for (const { client } of trio.values()) await shows(client, isWhole(ids));
  t.truthy((await trio.get('b')!.client.elect(ask())).leader);
});
