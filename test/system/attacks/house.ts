/** What is attacked: a cloud, Alice who is up and shows her gallery, and Bob whom she gave a photo. All are processes. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { v7 as uuidv7 } from 'uuid';
import type { GivenLine, PhotoLine, Received } from '../../../client/engine.js';
import { openCluster } from '../../../server/cluster.js';
import type { Cluster } from '../../../server/cluster.js';
import type { Person } from '../../../demo/person.js';
import { photos } from '../../client/cast.js';
import type { Cast } from '../../client/cast.js';
import { answer } from '../household.js';

export interface House {
  readonly cast: Cast;
  /** Where the servers' services are, host:port. */
  readonly servers: readonly string[];
  readonly alice: Person;
  /** Where Alice's client listens, host:port. */
  readonly aliceAt: string;
  readonly bob: Person;
  readonly photo: string;
  readonly received: Received;
}

/** @param views how many Alice gives */
export async function openHouse(cast: Cast, servers: number, views: number): Promise<House> {
  await cast.openCloud(servers);
  return inhabited(cast, views);
}

/** As `openHouse`, in a cloud that is open. */
export async function inhabited(cast: Cast, views: number): Promise<House> {
  const [alice, bob] = [await cast.member('alice'), await cast.member('bob')];
  const { address: aliceAt } = await alice.start(['--gallery', photos, '--views', String(views)]);
  await answer(alice, 'allow', 'bob', 'request');
  const { photos: listed } = await answer<{ photos: PhotoLine[] }>(bob, 'gallery', 'alice');
  const received = await answer<Received>(bob, 'request', 'alice', '1');
  const [{ name: photo }] = listed as [PhotoLine];
  return { cast, servers: cast.addresses, alice, aliceAt, bob, photo, received };
}

/** What the servers keep apart from their store. */
export const clusterOf = ({ cast }: House): Promise<Cluster> => openCluster(path.join(cast.data, 'cluster'));

/** What Alice sees of a grant of hers. */
export async function givenBy({ alice }: House, grant: string): Promise<GivenLine> {
  const lines = await answer<GivenLine[]>(alice, 'shared');
  return lines.find((line) => line.grant === grant)!;
}

interface Viewed {
  readonly shown: 'photo' | 'cover';
  readonly remaining: number;
  readonly reason: string | null;
  readonly url: string;
}

/** What someone sees of a grant or file of his, looked at as his browser would. */
export async function viewedBy(person: Person, what: string): Promise<Omit<Viewed, 'url'> | undefined> {
  const child = person.begin(['view', what, '--json']);
  const closed = once(child, 'close');
  const first = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (first.done !== true) {
    const { url, ...viewed } = JSON.parse(first.value) as Viewed;
    await (await fetch(url)).arrayBuffer();
    await closed;
    return viewed;
  }
  await closed;
  return undefined;
}

/** A view id of this moment, or of another. */
export const viewIdAt = (msecs: number): Uint8Array =>
  uuidv7({ msecs, random: randomBytes(16) }, new Uint8Array(16));
