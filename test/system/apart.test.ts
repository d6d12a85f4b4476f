/** Alice, Bob and the cloud on computers of their own, until Bob’s cable is pulled out, and back in. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import type { GivenLine, HeldLine, PeerLine, PhotoLine, Received } from '../../client/engine.js';
import type { Person } from '../../demo/person.js';
import type { Host } from '../../demo/network.js';
import { awaited } from '../../demo/processes.js';
import { digestOf } from './hidden-photo.js';
import { answer, member, openCloud } from './household.js';
import { layNetwork } from './network.js';
import { temporaryFolder } from './prerequisites.js';

const photos = path.resolve('test/photos');

interface Viewed {
  readonly shown: string;
  readonly remaining: number;
  readonly url: string;
}

/** The digest of what is at an address that only this host has. */
async function fetched({ through }: Host, url: string): Promise<string> {
  const script = `const got = await fetch(process.argv[1]);
    process.stdout.write(Buffer.from(await got.arrayBuffer()));`;
  const [first, ...rest] = [...through, process.execPath, '--input-type=module', '--eval', script, url];
  const options = { encoding: 'buffer', maxBuffer: 16 * 1024 * 1024, timeout: 30_000 } as const;
  const { stdout } = await promisify(execFile)(first, rest, options);
  return digestOf(stdout);
}

async function given(owner: Person, grant: string): Promise<GivenLine> {
  const lines = await answer<GivenLine[]>(owner, 'shared');
  return lines.find((line) => line.grant === grant)!;
}

test('across a network, and across a cable that is pulled out', async (t) => {
  t.timeout(280_000);
  const network = await layNetwork(t);
  if (network === undefined) return;
  const folder = await temporaryFolder(t);
  const [clouds, alices, bobs] = [await network.host(), await network.host(), await network.host()];
  const at = ({ address }: Host) => ['--listen', `${address}:0`, '--advertise', address];
  const { joinCode } = await openCloud(t, {
    folder,
    servers: 2,
    words: ['--host', clouds.address, '--advertise', clouds.address],
    through: clouds.through,
  });
  const alice = await member(t, 'alice', { folder, joinCode, through: alices.through });
  const bob = await member(t, 'bob', { folder, joinCode, through: bobs.through });
  await alice.start([...at(alices), '--gallery', photos, '--open']);
  const { address } = await bob.start(at(bobs));
  t.true(address.startsWith(`${bobs.address}:`));
  await answer(bob, 'allow', 'alice', 'request');

  const listed = await answer<{ photos: PhotoLine[] }>(bob, 'gallery', 'alice');
  const photo = listed.photos.find(({ name }) => name.endsWith('nagasaki-boats.jpg'))!;
  const { grant, remaining } = await answer<Received>(bob, 'request', 'alice', String(photo.number));
  t.is(remaining, 3);
  const view = () => answer<Viewed>(bob, 'view', grant);
  const first = await view();
  t.like(first, { shown: 'photo', remaining: 2 });
  t.is(await fetched(bobs, first.url), digestOf(await readFile(path.join(photos, photo.name))));

  bobs.cable('down');
  const cutMs = Date.now();
  const shared = await answer<{ grant: string; delivery: string }>(
    alice,
    'share',
    'bob',
    'acanthus-mollis.jpg',
  );
  t.not(shared.delivery, 'delivered');
  const gone = await awaited(async () => {
    const peers = await answer<PeerLine[]>(alice, 'peers');
    return peers.find(({ name }) => name === 'bob')?.online === false ? true : undefined;
  });
  t.true(gone, await alice.up!.said());
  t.log(`Alice knows after ${Date.now() - cutMs} ms that Bob is offline`);
  const changed = await answer<{ delivered: string }>(alice, 'rights', 'bob', grant, '--add', '2');
  t.is(changed.delivered, 'held');
  t.is((await given(alice, grant)).taken, 1);
  t.is((await bob.glimpse(['view', grant])).exit, 5, 'without the cloud no view');

  bobs.cable('up');
  const backMs = Date.now();
  const held = await awaited(async () => ((await given(alice, grant)).taken === 2 ? true : undefined));
  t.true(held, await bob.up!.said());
  t.log(`the rights that were held are his ${Date.now() - backMs} ms after the cable is back`);
  const arrived = await awaited(async () =>
    (await given(alice, shared.grant)).delivery === 'delivered' ? true : undefined,
  );
  t.true(arrived, await alice.up!.said());
  t.log(`and the picture that waited, after ${Date.now() - backMs} ms`);
  const inbox = await answer<HeldLine[]>(bob, 'inbox');
  t.is(inbox.length, 2);
  t.like(
    inbox.find((line) => line.grant === grant),
    { quota: 5, used: 1, remaining: 4, state: 'ready' },
  );
  t.like(await view(), { shown: 'photo', remaining: 3 });
});
