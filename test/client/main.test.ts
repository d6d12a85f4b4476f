/** glimpse as people use it: its commands as processes, against a cloud of processes, with real photographs. */
import { once } from 'node:events';
import { copyFile, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { TestFn } from 'ava';
import anyTest from 'ava';
import sharp from 'sharp';
import type {
  GivenLine,
  HeldLine,
  LogLine,
  PeerLine,
  PhotoLine,
  Received,
  RequestLine,
} from '../../client/engine.js';
import type { Person } from '../../demo/person.js';
import { awaited } from '../../demo/processes.js';
import { Cast, inTerminal, photos } from './cast.js';

/** What one test leaves for the next. */
interface Story {
  readonly cast: Cast;
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
  photo: PhotoLine;
  received: Received;
}

const test = anyTest as TestFn<{ story: Story }>;

test.before(async (t) => {
  const cast = await Cast.gather();
  t.context.story = { cast } as Story;
  await cast.openCloud(1);
  const [alice, bob, carol] = [
    await cast.member('alice'),
    await cast.member('bob'),
    await cast.member('carol'),
  ];
  await alice.start(['--gallery', photos, '--views', '3']);
  await bob.start([]);
  Object.assign(t.context.story, { alice, bob, carol });
});

test.after.always(async (t) => {
  await t.context.story.cast.leave();
});

interface Viewed {
  readonly grant: string;
  readonly shown: string;
  readonly remaining: number;
  readonly reason: string | null;
  readonly url: string;
}

async function original({ photo }: Story): Promise<Buffer> {
  return readFile(path.join(photos, photo.name));
}

async function fetched(url: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}

test.serial('peers, allow, and the unknown', async (t) => {
  const { alice, bob } = t.context.story;
  const peers = (await alice.glimpse(['peers'])).result as PeerLine[];
  t.deepEqual(
    peers.map(({ name }) => name),
    ['bob', 'carol'],
  );
  t.like(
    peers.find(({ name }) => name === 'bob'),
    { online: true, verified: false, policy: 'none' },
  );
  t.like(await bob.glimpse(['gallery', 'zoe']), { exit: 4, error: { reason: 'UNKNOWN_PEER' } });
  t.is((await bob.glimpse(['gallery', 'carol'])).exit, 5, 'carol is not up');
  t.is((await alice.glimpse(['allow', 'zoe', 'browse'])).exit, 4);
});

test.serial('a stranger knocks, is let in, and sees the whole gallery', async (t) => {
  const { alice, bob, cast } = t.context.story;
  t.like(await bob.glimpse(['gallery', 'alice']), { exit: 6, error: { reason: 'NOT_ADMITTED' } });
  const [knock] = (await alice.glimpse(['requests'])).result as RequestLine[];
  t.like(knock, { peer: 'bob', kind: 'knock' });
  for (const command of ['approve', 'refuse']) {
    const unknown = await alice.glimpse([command, 'no-such']);
    t.like(unknown, { exit: 4, error: { reason: 'UNKNOWN_REQUEST' } });
    t.regex(unknown.error!.next, /glimpse requests/);
  }
  t.is((await alice.glimpse(['approve', knock!.id])).exit, 0);
  t.is((await alice.glimpse(['allow', 'bob', 'browse'])).exit, 0);

  const out = path.join(cast.folder, 'thumbnails');
  const listed = await bob.glimpse(['gallery', 'alice', '--out', out]);
  const listing = listed.result as { peer: string; photos: (PhotoLine & { thumbnail: string })[] };
  t.is(listing.peer, 'alice');
  t.is(listing.photos.length, 7);
  t.deepEqual(Object.keys(listing.photos[0]!).sort(), [
    'bytes',
    'height',
    'id',
    'name',
    'number',
    'thumbnail',
    'width',
  ]);
  t.deepEqual(
    (await readdir(out)).sort(),
    listing.photos.map(({ thumbnail }) => path.basename(thumbnail)).sort(),
  );
  t.context.story.photo = listing.photos.find(({ name }) => name === 'locomotion-house-cat.jpg')!;
  const again = (await bob.glimpse(['gallery', 'alice'])).result as typeof listing;
  t.true(again.photos.every(({ thumbnail }) => thumbnail.startsWith('data:image/')));
});

test.serial('with browse alone a request waits, is approved, and is then delivered', async (t) => {
  const { alice, bob, photo } = t.context.story;
  const asked = await bob.glimpse(['request', 'alice', String(photo.number)]);
  t.like(asked, { exit: 6, error: { reason: 'APPROVAL_PENDING' } });
  const [waiting] = (await alice.glimpse(['requests'])).result as RequestLine[];
  t.like(waiting, { peer: 'bob', kind: 'request', photo: photo.name });
  const approved = await alice.glimpse(['approve', waiting!.id, '--views', '2']);
  t.is(approved.exit, 0, approved.error?.message);
  const [given] = (await alice.glimpse(['shared'])).result as GivenLine[];
  t.like(given, {
    viewer: 'bob',
    quota: 2,
    used: 0,
    remaining: 2,
    mode: 'strict',
    version: 1,
    delivery: 'delivered',
  });
});

test.serial('asking again brings the same grant and adds nothing', async (t) => {
  const { alice, bob, photo } = t.context.story;
  t.is((await alice.glimpse(['allow', 'bob', 'request'])).exit, 0);
  const asked = await bob.glimpse(['request', 'alice', String(photo.number), '--views', '9']);
  t.is(asked.exit, 0, asked.error?.message);
  t.context.story.received = asked.result as Received;
  t.like(asked.result, {
    owner: 'alice',
    image: photo.id,
    quota: 2,
    remaining: 2,
    mode: 'strict',
    leader: 's1',
  });
  const held = (await bob.glimpse(['inbox'])).result as HeldLine[];
  t.is(held.length, 1);
  t.like(held[0], {
    owner: 'alice',
    state: 'ready',
    used: 0,
    remaining: 2,
    quota: 2,
    file: t.context.story.received.file,
  });
  t.like(await bob.glimpse(['request', 'alice', '99']), { exit: 4, error: { reason: 'UNKNOWN_PHOTO' } });
});

test.serial('a view shows the photo once at its address', async (t) => {
  const { bob, received } = t.context.story;
  const ended = await bob.glimpse(['view', received.grant.slice(0, 8)]);
  const viewed = ended.result as Viewed;
  t.deepEqual(Object.keys(viewed).sort(), ['grant', 'message', 'reason', 'remaining', 'shown', 'url']);
  t.like(viewed, { grant: received.grant, shown: 'photo', remaining: 1, reason: null });
  t.deepEqual(await fetched(viewed.url), await original(t.context.story));
  await t.throwsAsync(fetch(viewed.url));
});

test.serial('without up, view prints its document, then stays until the picture was fetched', async (t) => {
  const { bob, received } = t.context.story;
  await bob.up?.stop();
  const copy = path.join(t.context.story.cast.folder, 'copied elsewhere.png');
  await copyFile(received.file, copy);
  const child = bob.begin(['view', copy, '--json']);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const viewed = JSON.parse(line) as Viewed;
  t.like(viewed, { grant: received.grant, shown: 'photo', remaining: 0 });
  t.is(child.exitCode, null);
  const closed = once(child, 'close');
  t.deepEqual(await fetched(viewed.url), await original(t.context.story));
  t.is((await closed)[0], 0);
});

test.serial('at the limit the cover is shown, the exit code is 3 and standard error says why', async (t) => {
  const { bob, received } = t.context.story;
  await bob.start([]);
  const { exit, out, err } = await bob.run(['view', received.grant, '--json']);
  t.is(exit, 3);
  const viewed = JSON.parse(out) as Viewed;
  t.like(viewed, { shown: 'cover', remaining: 0, reason: 'spent' });
  t.like(JSON.parse(err), { error: { reason: 'VIEWS_SPENT' } });
  const [cover, held] = await Promise.all(
    [await fetched(viewed.url), received.file].map((picture) =>
      sharp(picture).removeAlpha().raw().toBuffer(),
    ),
  );
  t.deepEqual(cover, held);
  t.like(((await bob.glimpse(['inbox'])).result as HeldLine[])[0], { state: 'spent', remaining: 0 });
});

test.serial('new rights reach a viewer who is online; the log tells all of it', async (t) => {
  const { alice, bob, photo, received } = t.context.story;
  const changed = await alice.glimpse(['rights', 'bob', photo.name, '--add', '2', '--expires', '1h']);
  t.like(changed.result, { grant: received.grant, version: 2, quota: 4, delivered: 'direct' });
  const [held] = (await bob.glimpse(['inbox'])).result as HeldLine[];
  t.like(held, { quota: 4, remaining: 2, state: 'ready' });
  t.true(held!.expires! > Date.now());
  const lines = (await alice.glimpse(['log', received.grant])).result as LogLine[];
  const events = lines.map(({ event }) => event);
  for (const event of ['grant', 'update', 'delivery', 'view'] as const) t.true(events.includes(event), event);
  const verified = await alice.glimpse(['log', received.grant, '--verify']);
  t.is(verified.exit, 0);
  t.regex((verified.result as { head: string }).head, /^[0-9a-f]{64}$/);
  t.is((await bob.glimpse(['rights', 'alice', received.grant, '--add', '1'])).exit, 4, 'not his to give');
});

test.serial('files that cannot be opened are said to be what they are, and spend nothing', async (t) => {
  const { bob, carol, cast, received } = t.context.story;
  const carrier = await readFile(received.file);
  const { width, height } = await sharp(carrier).metadata();
  const flipped = Buffer.from(carrier);
  flipped[flipped.length >> 1]! ^= 1;
  const deep = () => sharp(carrier).toColourspace('rgb16').png();
  const cases: readonly (readonly [name: string, bytes: Buffer, exit: number])[] = [
    ['8-bit.png', await sharp(carrier).png().toBuffer(), 1],
    [
      'cropped.png',
      await deep()
        .extract({ left: 3, top: 3, width: width - 3, height: height - 3 })
        .toBuffer(),
      1,
    ],
    ['truncated.png', carrier.subarray(0, carrier.length >> 1), 1],
    ['flipped.png', flipped, 1],
    ['photo.jpg', await original(t.context.story), 1],
    ['text.png', Buffer.from('not a picture'), 1],
    ['empty.png', Buffer.alloc(0), 1],
  ];
  for (const [name, bytes, exit] of cases) {
    const file = path.join(cast.folder, name);
    await writeFile(file, bytes);
    const ended = await bob.glimpse(['view', file]);
    t.is(ended.exit, exit, `${name}: ${ended.error?.message}`);
    t.truthy(ended.error?.message, name);
  }
  t.is((await carol.glimpse(['view', received.file])).exit, 6, 'someone else’s');
  t.is((await bob.glimpse(['view', path.join(cast.folder, 'missing.png')])).exit, 4);
  t.is((await bob.glimpse(['view', '00000000'])).exit, 4);
  const resaved = path.join(cast.folder, 'resaved.png');
  await writeFile(resaved, await deep().toBuffer());
  const ended = await bob.glimpse(['view', resaved]);
  t.like(ended.result, { shown: 'photo', remaining: 1 }, 'all the others spent nothing');
  t.deepEqual(await fetched((ended.result as Viewed).url), await original(t.context.story));
});

test.serial('share waits for who is away; verify is the same on both sides', async (t) => {
  const { alice, bob, carol } = t.context.story;
  const shared = await alice.glimpse([
    'share',
    'carol',
    'acanthus-mollis.jpg',
    '--views',
    '1',
    '--cover',
    'dunes',
  ]);
  t.like(shared, { exit: 0, result: { viewer: 'carol' } });
  t.not((shared.result as { delivery: string }).delivery, 'delivered');
  const missing = await alice.glimpse(['share', 'carol', 'no-such.jpg']);
  t.like(missing, { exit: 4, error: { reason: 'UNKNOWN_PHOTO' } });
  t.regex(missing.error!.message, /no photo no-such\.jpg in your folder/);
  t.notRegex(missing.error!.next, /glimpse gallery/);
  const ungiven = await alice.glimpse(['rights', 'carol', 'no-such.jpg', '--add', '1']);
  t.regex(ungiven.error!.next, /glimpse shared/);
  t.is(
    (
      await alice.glimpse([
        'share',
        'carol',
        'allium-oreophilum.jpg',
        '--cover',
        path.join(photos, 'SOURCES.md'),
      ])
    ).exit,
    1,
  );
  const again = ['share', 'carol', 'acanthus-mollis.jpg', '--cover'];
  const bad = await alice.glimpse([...again, path.join(photos, 'SOURCES.md')]);
  t.like(bad, { exit: 1, error: { reason: 'BAD_COVER' } }, 'also of a grant that exists');
  t.like(await alice.glimpse([...again, 'dusk']), { exit: 0, result: { again: true } });
  t.regex((await alice.run([...again, 'dusk'])).out, /the grant that was there before, with its picture/);
  const absurd = await alice.glimpse(['rights', 'carol', 'acanthus-mollis.jpg', '--add', '1000000']);
  t.like(absurd, { exit: 2, error: { reason: 'INVALID_REQUEST' } });
  t.regex(absurd.error!.message, /1000001 views in all.*at most 999999/);
  const given = ((await alice.glimpse(['shared'])).result as GivenLine[]).find(
    ({ viewer }) => viewer === 'carol',
  );
  t.like(given, { quota: 1, version: 1, pending: false });
  await carol.start([]);
  const held = await awaited(async () => {
    const lines = (await carol.glimpse(['inbox'])).result as HeldLine[];
    return lines.find(({ owner }) => owner === 'alice');
  });
  t.like(held, { state: 'ready', quota: 1 });

  const [hers, his] = await Promise.all([
    alice.glimpse(['verify', 'bob']),
    bob.glimpse(['verify', 'alice', '--confirm']),
  ]);
  t.is((hers.result as { number: string }).number, (his.result as { number: string }).number);
  t.like(his.result, { verified: true });
});

test.serial('numbers mean the gallery, before it was ever listed and for its owner too', async (t) => {
  const { alice, carol } = t.context.story;
  await alice.glimpse(['allow', 'carol', 'request']);
  const asked = await carol.glimpse(['request', 'alice', '2']);
  t.is(asked.exit, 0, asked.error?.message);
  const { grant, image } = asked.result as Received;
  const listing = (await carol.glimpse(['gallery', 'alice'])).result as { photos: PhotoLine[] };
  t.is(listing.photos[1]!.id, image);
  const changed = await alice.glimpse(['rights', 'carol', '2', '--add', '1']);
  t.like(changed.result, { grant, version: 2, quota: 4 });
  t.like(await alice.glimpse(['rights', 'carol', '1', '--add', '1']), { exit: 0 });
  t.like(await alice.glimpse(['rights', 'carol', '99', '--add', '1']), { exit: 4 });
});

test.serial('cloud shows the ring, once or for as long as it is watched', async (t) => {
  const { alice, bob } = t.context.story;
  const { result } = await alice.glimpse(['cloud']);
  const { servers } = result as { servers: Record<string, unknown>[] };
  t.deepEqual(Object.keys(servers[0]!).sort(), [
    'address',
    'cpu',
    'granted',
    'id',
    'inFlight',
    'load',
    'state',
  ]);
  const child = bob.begin(['cloud', '--watch', '--json']);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  t.is((JSON.parse(line) as { servers: unknown[] }).servers.length, 1);
  const closed = once(child, 'close');
  child.kill('SIGINT');
  t.is((await closed)[0], 130);
});

test.serial('people get tables and sentences', async (t) => {
  const { alice, bob, received } = t.context.story;
  t.regex((await bob.run(['inbox'])).out, /grant +owner +photo +state/);
  t.regex((await alice.run(['shared'])).out, /bob +locomotion-house-cat\.jpg/);
  t.regex((await alice.run(['log', received.grant.slice(0, 6)])).out, /delivery/);
  t.regex((await alice.run(['status'])).out, /up +runs/);
  t.regex((await alice.run(['peers'])).out, /carol/);
  t.regex((await bob.run(['gallery', 'alice'])).out, /1 +acanthus-mollis\.jpg/);
});

test.serial('in a terminal thumbnails and views are drawn', async (t) => {
  const { cast, received } = t.context.story;
  const bob = cast.person('bob', inTerminal);
  const { out: thumbnails } = await bob.run(['gallery', 'alice']);
  t.true(new Set(thumbnails.match(/38;2;\d+;\d+;\d+/g)).size > 100);
  t.regex(thumbnails, /1 acanthus-mollis\.jpg/);
  const { out: photo } = await bob.run(['view', received.grant]);
  t.true(new Set(photo.match(/38;2;\d+;\d+;\d+/g)).size > 100);
  t.regex(photo, /The photo\. \d+ views? left/);
  t.regex(photo, /Once, within a minute: http:/);
});

test.serial('revoking and forgetting', async (t) => {
  const { alice, bob, photo, received } = t.context.story;
  const revoked = await alice.glimpse(['rights', 'bob', photo.name, '--revoke']);
  t.like(revoked.result, { version: 3, delivered: 'direct' });
  t.like(await bob.glimpse(['view', received.grant]), {
    exit: 3,
    result: { shown: 'cover', reason: 'revoked' },
  });
  t.like(await bob.glimpse(['request', 'alice', photo.id]), { exit: 3, error: { reason: 'REVOKED' } });
  t.is((await bob.glimpse(['forget', received.grant])).exit, 0);
  await t.throwsAsync(stat(received.file), { code: 'ENOENT' });
  t.deepEqual((await bob.glimpse(['inbox'])).result, []);
});

test.serial('a passphrase that is set while up runs is asked for only where up is not', async (t) => {
  const { alice } = t.context.story;
  const passphrase = 'correct horse battery staple';
  t.like(await alice.glimpse(['passphrase'], passphrase), { exit: 0, result: { passphrase: true } });
  t.like(await alice.glimpse(['status']), { exit: 0, result: { up: true } });
  t.like(await alice.glimpse(['passphrase', '--remove']), { exit: 1, error: { reason: 'VAULT_LOCKED' } });
});
