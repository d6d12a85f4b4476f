/**
 * The four use cases, in order, as Alice and Bob live them. Every claim is checked from outside: by what the
 * commands print and how they exit, by the bytes of the pictures, by the processes.
 */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type {
  GivenLine,
  HeldLine,
  LogLine,
  PeerLine,
  PhotoLine,
  Received,
  RequestLine,
  RightsChanged,
  Safety,
  Shared,
} from '../client/engine.js';
import type { Ended, Person } from './person.js';
import { holdsNothingOf, isBareThumbnail, isCarrier, pixels8, sha256 } from './pictures.js';
import { awaited } from './processes.js';
import type { Stage } from './stage.js';
import { seconds } from './transcript.js';

interface Listing {
  readonly photos: readonly (PhotoLine & { readonly thumbnail: string | null })[];
}

interface Viewed {
  readonly shown: 'photo' | 'cover';
  readonly remaining: number;
  readonly reason: string | null;
  readonly url: string;
}

interface Ring {
  readonly servers: readonly { readonly id: string; readonly state: string; readonly granted: number }[];
}

/** The photos of the story: one to view, one to send to someone away, one to hide while a server dies. */
export interface Photos {
  readonly viewed: PhotoLine;
  readonly shared: PhotoLine;
  readonly last: PhotoLine;
}

/** What Bob holds of the photo that is viewed. */
export interface Holding extends Received {
  readonly photo: PhotoLine;
  /** A copy with the capsule of version 1. */
  readonly copy: string;
  /** What he saw. */
  readonly seen: string;
}

export async function meet(
  { transcript: tell, alice, bob, gallery }: Stage,
  joinCode: string,
): Promise<void> {
  await tell.step('Alice joins and serves her gallery', async () => {
    const joined = await alice.glimpse(['join', '-', '--name', 'alice'], joinCode);
    tell.check('she has a name, keys and a recovery code', joined.exit === 0, joined.error);
    const { address } = await alice.start(['--gallery', gallery, '--views', '3']);
    tell.check(`her client listens at ${address}`, address !== '');
    const again = await alice.glimpse(['up', '--gallery', gallery]);
    tell.check('a second client on her vault is refused', again.exit === 1, again);
  });
  await tell.step('Bob joins; they compare their safety number', async () => {
    const taken = await bob.glimpse(['join', '-', '--name', 'alice'], joinCode);
    tell.check("he cannot have Alice's name", taken.exit === 6, taken);
    const joined = await bob.glimpse(['join', '-', '--name', 'bob'], joinCode);
    tell.check('he has a name of his own', joined.exit === 0, joined.error);
    await bob.start([]);
    const [hers, his] = await Promise.all([
      alice.glimpse(['verify', 'bob', '--confirm']),
      bob.glimpse(['verify', 'alice', '--confirm']),
    ]);
    const { number } = done(hers) as Safety;
    tell.check(`both see ${number}`, number === (done(his) as Safety).number);
  });
}

/** Use case 1, until Bob has listed the gallery. */
export async function browse({ transcript: tell, alice, bob, pictures, gallery }: Stage): Promise<Photos> {
  await tell.step('Use case 1: Bob asks for a gallery, and for a stranger’s', async () => {
    const nobody = await bob.glimpse(['gallery', 'zoe']);
    tell.check('whoever is unknown is said to be unknown', nobody.exit === 4, nobody);
    const knock = await bob.glimpse(['gallery', 'alice']);
    tell.check('Alice has not let him in: he is told that his knock waits', knock.exit === 6, knock);
    const [waiting] = done(await alice.glimpse(['requests'])) as RequestLine[];
    tell.check('Alice sees who knocked', waiting?.peer === 'bob' && waiting.kind === 'knock', waiting);
    const approved = await alice.glimpse(['approve', waiting?.id ?? '']);
    tell.check('and lets him in', approved.exit === 0, approved.error);
  });
  return tell.step('Bob browses thumbnails', async () => {
    const folder = path.join(pictures, 'thumbnails');
    const listed = await bob.glimpse(['gallery', 'alice', '--out', folder]);
    tell.check('the whole gallery comes', listed.exit === 0, listed.error);
    const { photos } = done(listed) as Listing;
    const thumbnails = photos.flatMap(({ thumbnail }) => (thumbnail === null ? [] : [thumbnail]));
    tell.check(`${photos.length} photos, each with a thumbnail`, thumbnails.length === photos.length, photos);
    const bare = await Promise.all(thumbnails.map(isBareThumbnail));
    tell.check('no thumbnail carries metadata', bare.every(Boolean));
    tell.file('thumbnails', folder);
    const [viewed, shared, last] = photos;
    if (viewed && shared && last) return { viewed, shared, last };
    throw new Error(`${gallery} has fewer than three photos: choose a gallery with more`);
  });
}

/** Use case 1, from the request to the cover at the limit. */
export async function request(stage: Stage, { viewed }: Photos): Promise<Holding> {
  const { transcript: tell, alice, bob, pictures, gallery } = stage;
  const original = await readFile(path.join(gallery, viewed.name));
  const received = await tell.step(`Bob asks for ${viewed.name}, two views`, async () => {
    const before = await grantedBy(bob);
    const asked = await bob.glimpse(['request', 'alice', String(viewed.number), '--views', '2']);
    tell.check('he receives it', asked.exit === 0, asked.error);
    const received = done(asked) as Received;
    tell.check('the smaller of what he asks and what Alice gives: 2 views', received.quota === 2, received);
    const after = await grantedBy(bob);
    const { leader } = received;
    tell.check(`${leader} was elected and hid it`, (after.get(leader) ?? 0) > (before.get(leader) ?? 0), [
      ...after,
    ]);
    tell.check('his file is a PNG with 16 bits a channel', await isCarrier(received.file));
    tell.check('nothing of the photo is in it', await holdsNothingOf(received.file, original));
    const [given] = done(await alice.glimpse(['shared'])) as GivenLine[];
    tell.check('his client acknowledged it', given?.delivery === 'delivered', given);
    const copy = path.join(pictures, 'what-bob-holds.png');
    await copyFile(received.file, copy);
    tell.file('what Bob holds, and everyone sees', copy);
    return { ...received, photo: viewed, copy };
  });
  const seen = await tell.step('Bob views it, within his number of views', async () => {
    let bytes: Uint8Array = new Uint8Array();
    for (const left of [1, 0]) {
      const { viewed: shown, bytes: given } = await view(bob, received.grant, 0);
      tell.check(
        `the photo, byte for byte; ${left} left`,
        shown.remaining === left && sha256(given) === sha256(original),
      );
      const again = await fetch(shown.url).catch(() => undefined);
      tell.check('its address gives it once', again === undefined);
      bytes = given;
    }
    const file = path.join(pictures, `what-bob-saw${path.extname(viewed.name)}`);
    await writeFile(file, bytes);
    tell.file('what Bob saw (written to a file because this is a demo: the client never does)', file);
    return file;
  });
  await tell.step('At the limit Bob sees the cover', async () => {
    const { viewed: seen, bytes } = await view(bob, received.grant, 3);
    tell.check(
      'he is told that his views are spent',
      seen.shown === 'cover' && seen.reason === 'spent',
      seen,
    );
    const [cover, held] = await Promise.all([pixels8(bytes), pixels8(received.file)]);
    tell.check('the cover is what his file shows to everyone, pixel by pixel', cover.digest === held.digest);
    const photo = await pixels8(original);
    tell.check('and not the photo', cover.digest !== photo.digest);
    const lines = await log(alice, received.grant);
    const events = lines.map(({ event }) => event);
    const expected = ['grant', 'delivery', 'view', 'view', 'refusal'] as const;
    tell.check(
      'Alice reads it in the log',
      expected.every((event) => events.includes(event)),
      events,
    );
  });
  return { ...received, seen };
}

export async function newcomer(
  { transcript: tell, alice, carol }: Stage,
  joinCode: string,
  photo: PhotoLine,
): Promise<void> {
  await tell.step('Carol asks before she ever joined', async () => {
    const asked = await carol.glimpse(
      ['request', 'alice', photo.id, '--join', '-', '--name', 'carol'],
      joinCode,
    );
    tell.check('she is registered on the way, and her knock waits', asked.exit === 6, asked);
    const peers = done(await alice.glimpse(['peers'])) as PeerLine[];
    tell.check(
      'Alice finds her in the directory',
      peers.some(({ name }) => name === 'carol'),
      peers,
    );
    const waiting = done(await alice.glimpse(['requests'])) as RequestLine[];
    const knock = waiting.find(({ peer }) => peer === 'carol');
    const refused = await alice.glimpse(['refuse', knock?.id ?? '']);
    tell.check('and does not let her in', refused.exit === 0, refused);
  });
}

/** Use case 2. */
export async function update(
  { transcript: tell, alice, bob }: Stage,
  { viewed }: Photos,
  { grant }: Holding,
): Promise<void> {
  await tell.step('Use case 2: Alice gives two more views, Bob is online', async () => {
    const changed = await alice.glimpse(['rights', 'bob', viewed.name, '--add', '2']);
    const { version, quota, delivered } = done(changed) as RightsChanged;
    tell.check(
      `version ${version}: ${quota} views; ledger and Bob have it`,
      delivered === 'direct' && quota === 4,
      changed,
    );
    const held = await heldBy(bob, grant);
    tell.check('Bob has it at once', held?.quota === 4 && held.state === 'ready', held);
    const { viewed: seen } = await view(bob, grant, 0);
    tell.check('and views again; 1 left', seen.shown === 'photo' && seen.remaining === 1, seen);
  });
}

/** Use case 3. */
export async function offline({ transcript: tell, alice, bob }: Stage, { shared }: Photos): Promise<string> {
  return tell.step('Use case 3: Alice sends a photo; Bob’s computer freezes, then dies', async () => {
    let frozen: boolean | undefined;
    const sent = await alice.ask('share', ['bob', shared.name], { views: '2' }, (text) => {
      if (frozen === true || !text.startsWith('delivering')) return;
      frozen = true;
      process.kill(bob.up!.pid, 'SIGSTOP');
    });
    const { grant, delivery } = done(sent) as Shared;
    tell.check(
      `no acknowledgement: Alice is told "${delivery}"`,
      frozen === true && delivery !== 'delivered',
      sent,
    );
    const away = await awaited(async () => ((await peer(alice, 'bob'))?.online === false ? true : undefined));
    tell.check('the cloud checked for itself and took him out of the directory', away === true);
    await bob.up?.crash();
    return grant;
  });
}

/** Use case 4. */
export async function returning(
  stage: Stage,
  { viewed }: Photos,
  holding: Holding,
  waiting: string,
): Promise<void> {
  const { transcript: tell, alice, bob } = stage;
  const version = await tell.step(
    'Use case 4: Alice changes the rights of Bob, who is away, twice',
    async () => {
      for (const words of [
        ['--add', '1'],
        ['--views', '7'],
      ]) {
        const changed = await alice.glimpse(['rights', 'bob', viewed.name, ...words]);
        const { version: next, delivered } = done(changed) as RightsChanged;
        tell.check(`version ${next} is held by the cloud`, delivered === 'held', changed);
        if (words[0] === '--views') return next;
      }
      throw new Error('not reached');
    },
  );
  await tell.step('Bob comes back', async () => {
    await bob.start([]);
    const held = await awaited(async () => {
      const line = await heldBy(bob, holding.grant);
      return line?.quota === 7 ? line : undefined;
    });
    tell.check('the cloud sent him the newest rights: 7 views, 4 left', held?.remaining === 4, held);
    const taken = await awaited(async () =>
      (await given(alice, holding.grant))?.taken === version ? true : undefined,
    );
    tell.check(
      `he acknowledged version ${version}: nothing is left in the buffer`,
      taken === true,
      await given(alice, holding.grant),
    );
    const arrived = await awaited(async () =>
      (await given(alice, waiting))?.delivery === 'delivered' ? true : undefined,
    );
    tell.check('the photo from Alice’s outbox arrived too', arrived === true, await given(alice, waiting));
    const { viewed: seen } = await view(bob, holding.copy, 0);
    tell.check(
      'a copy of the file with the old rights in it undoes nothing: 3 left',
      seen.remaining === 3,
      seen,
    );
  });
}

export async function leaderDies(
  stage: Stage,
  { last }: Photos,
  pids: ReadonlyMap<string, number>,
): Promise<void> {
  const { transcript: tell, bob, gallery } = stage;
  await tell.step('A server is killed in the middle of a request', async () => {
    let killed: string | undefined;
    const asked = await bob.ask('request', ['alice', String(last.number)], {}, (text) => {
      const leader = / at (\S+)/.exec(text)?.[1];
      if (killed !== undefined || leader === undefined) return;
      killed = leader;
      process.kill(pids.get(leader)!, 'SIGKILL');
    });
    tell.check(
      `${killed}, the leader, was killed; Bob received the photo all the same`,
      asked.exit === 0 && killed !== undefined,
      asked,
    );
    const { grant, leader } = done(asked) as Received;
    tell.note(`hidden by ${leader}, after ${seconds(asked.tookMs)}`);
    const { bytes } = await view(bob, grant, 0);
    const original = await readFile(path.join(gallery, last.name));
    tell.check('and sees it, byte for byte', sha256(bytes) === sha256(original));
    const whole = await awaited(async () => {
      const { servers } = done(await bob.glimpse(['cloud'])) as Ring;
      return servers.every(({ state }) => state === 'alive') && servers.length === 3 ? true : undefined;
    });
    tell.check('the server is started again and back in the ring', whole === true);
  });
}

export async function revoke(
  { transcript: tell, alice, bob }: Stage,
  { viewed }: Photos,
  holding: Holding,
): Promise<void> {
  await tell.step('Alice revokes', async () => {
    const revoked = await alice.glimpse(['rights', 'bob', viewed.name, '--revoke']);
    tell.check('ledger and Bob have it', (done(revoked) as RightsChanged).delivered === 'direct', revoked);
    for (const what of [holding.grant, holding.copy]) {
      const { viewed: seen } = await view(bob, what, 3);
      tell.check('Bob sees the cover', seen.shown === 'cover' && seen.reason === 'revoked', seen);
    }
    const again = await bob.glimpse(['request', 'alice', viewed.id]);
    tell.check('asking again does not help', again.exit === 3, again);
    const proven = await alice.glimpse(['log', holding.grant, '--verify']);
    tell.check('the log is unbroken', proven.exit === 0, proven);
  });
}

/** The document of a command that succeeded. @throws Error if it did not */
function done({ exit, result, error }: Ended): unknown {
  if (exit === 0) return result;
  throw new Error(`exit ${exit}: ${error?.message ?? 'without a word'}`);
}

/** One view, and what its address gives. @throws Error if the command ends otherwise than expected */
async function view(
  person: Person,
  what: string,
  exit: number,
): Promise<{ viewed: Viewed; bytes: Uint8Array }> {
  const ended = await person.glimpse(['view', what]);
  if (ended.exit !== exit) throw new Error(`exit ${ended.exit} instead of ${exit}: ${JSON.stringify(ended)}`);
  const viewed = ended.result as Viewed;
  const answer = await fetch(viewed.url);
  return { viewed, bytes: new Uint8Array(await answer.arrayBuffer()) };
}

async function grantedBy(person: Person): Promise<Map<string, number>> {
  const { servers } = done(await person.glimpse(['cloud'])) as Ring;
  return new Map(servers.map(({ id, granted }) => [id, granted]));
}

async function log(person: Person, grant: string): Promise<readonly LogLine[]> {
  return done(await person.glimpse(['log', grant])) as LogLine[];
}

async function peer(person: Person, name: string): Promise<PeerLine | undefined> {
  return (done(await person.glimpse(['peers'])) as PeerLine[]).find((each) => each.name === name);
}

async function heldBy(person: Person, grant: string): Promise<HeldLine | undefined> {
  return (done(await person.glimpse(['inbox'])) as HeldLine[]).find((each) => each.grant === grant);
}

async function given(person: Person, grant: string): Promise<GivenLine | undefined> {
  return (done(await person.glimpse(['shared'])) as GivenLine[]).find((each) => each.grant === grant);
}
