/** Views unlocked ahead against clocks, copies of vaults, and clients that die at the worst moment. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { createEngine } from '../../../client/create-engine.js';
import { worldEdge } from '../../../client/peer/workings.js';
import { openVault } from '../../../client/vault/vault.js';
import { Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { Ending, newcomer, photos, signal, startCloud } from './clouds.js';
import type { RunningCloud, TestClient } from './clouds.js';

const ending = new Ending();
test.after.always(ending.all);

/** Alice is up and gives prepaid; Bob, who is not up, holds a picture of hers. */
async function scene(cloud: RunningCloud, suffix: string, expiresMs?: number) {
  const alice = await newcomer(ending, cloud, `alice${suffix}`);
  const bob = await newcomer(ending, cloud, `bob${suffix}`);
  const gives = { gallery: photos, views: 6, mode: 'prepaid', batchViewsMax: 4, open: true } as const;
  await alice.up({ ...gives, ...(expiresMs !== undefined && { expiresMs }) });
  await bob.engine.request(alice.name, '1');
  const [{ grant } = { grant: '' }] = await bob.engine.inbox();
  return { alice, bob, grant };
}

const program = fileURLToPath(new URL('prepay.process.js', import.meta.url));

test.serial('killed between the debit and storing: the same views, once', async (t) => {
  const cloud = await startCloud(ending, 1);
  const { alice, bob, grant } = await scene(cloud, '1');
  const child = spawn(process.execPath, [program, bob.folder, grant], { stdio: 'ignore' });
  const [, how] = (await once(child, 'exit')) as [number | null, string | null];
  t.is(how, 'SIGKILL');
  t.like((await alice.engine.shared())[0], { used: 2, outstanding: 2 }, 'it was charged');
  t.like((await bob.engine.inbox())[0], { prepaid: 0 });
  t.like(await bob.engine.prepay(grant, 3), { unlocked: 2, prepaid: 2 }, 'what was begun is finished first');
  t.like((await alice.engine.shared())[0], { used: 2, outstanding: 2 });
  t.like(await bob.engine.view(grant), { shown: 'photo', remaining: 5 });
});

test.serial('a clock that is set back opens nothing, and the expiry is kept', async (t) => {
  const cloud = await startCloud(ending, 1);
  const hour = 3_600_000;
  const { bob, grant } = await scene(cloud, '2', hour);
  await bob.engine.prepay(grant, 3);
  for (const { pid } of cloud.servers) signal(pid, 'SIGSTOP');
  const clock = { aheadMs: 0 };
  const edge = { ...worldEdge, clock: () => Date.now() + clock.aheadMs };
  const engine = createEngine({ vault: bob.vault, edge });
  ending.add(() => engine.close());
  clock.aheadMs = hour / 2;
  t.is((await engine.view(grant)).shown, 'photo');
  clock.aheadMs = 0;
  const refused = await t.throwsAsync(engine.view(grant), { instanceOf: Refused });
  t.is(refused.reason, Reason.CLOCK_SET_BACK);
  clock.aheadMs = hour + 1_000;
  t.like(await engine.view(grant), { shown: 'cover', reason: 'expired' });
  clock.aheadMs = hour / 2;
  t.like(await engine.view(grant), { shown: 'cover', reason: 'expired' }, 'what was seen is kept');
  t.is(bob.vault.prepaid.left(Buffer.from(grant, 'hex')), 2);
  for (const { pid } of cloud.servers) signal(pid, 'SIGCONT');
});

async function copyOf(client: TestClient): Promise<string> {
  const folder = path.join(await ending.folder(), 'copy');
  await cp(client.folder, folder, { recursive: true });
  return folder;
}

test.serial('a copied prepaid vault opens until its next contact, and no longer', async (t) => {
  const cloud = await startCloud(ending, 1);
  const { alice, bob, grant } = await scene(cloud, '3');
  await bob.engine.prepay(grant, 2);
  await bob.engine.close();
  const copy = await copyOf(bob);
  for (const remaining of [5, 4]) t.like(await bob.engine.view(grant), { shown: 'photo', remaining });
  await bob.engine.close();
  t.like((await alice.engine.shared())[0], { used: 2, outstanding: 0 });

  const vault = openVault(copy);
  const engine = createEngine({ vault });
  ending.add(async () => {
    await engine.close();
    vault.close();
  });
  for (const { pid } of cloud.servers) signal(pid, 'SIGSTOP');
  t.like(await engine.view(grant), { shown: 'photo' }, 'as the threat model says');
  for (const { pid } of cloud.servers) signal(pid, 'SIGCONT');
  await engine.up({
    listen: { host: '127.0.0.1', port: 0 },
    views: 1,
    mode: 'strict',
    cover: 'preview',
    open: false,
  });
  await engine.close();
  t.like((await engine.inbox())[0], { prepaid: 0 }, 'what was shown elsewhere is not left');
  t.like((await alice.engine.shared())[0], { used: 2, outstanding: 0 });
});
