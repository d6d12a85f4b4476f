/** What the tests of rings share: a cloud's identities, clients, and waiting for what a ring shows. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toServer } from '../../../core/identity/tls.js';
import type { Identity } from '../../../core/identity/tls.js';
import { openChannel } from '../../../core/rpc/channel.js';
import { createClient } from '../../../core/rpc/client.js';
import type { Client } from '../../../core/rpc/method.js';
import { Election, MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import type { WatchResponse } from '../../../gen/glimpse/v1/election_pb.js';
import { drawAuthority, drawIdentity } from '../../identities.js';

export const ids = ['a', 'b', 'c'];

/** Where to leave what is to be done at the end: a test, or a whole file's. */
export interface Endings {
  teardown(end: () => unknown): void;
}

export interface Cloud {
  readonly servers: ReadonlyMap<string, Identity>;
  readonly alice: Identity;
  /** For the store. */
  readonly directory: string;
}

export async function makeCloud(t: Endings): Promise<Cloud> {
  const authority = await drawAuthority();
  const identities = await Promise.all(ids.map((id) => drawIdentity(authority, 'server', id)));
  const directory = await mkdtemp(path.join(tmpdir(), 'glimpse-ring-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return {
    servers: new Map(ids.map((id, index) => [id, identities[index]!])),
    alice: await drawIdentity(authority, 'client', 'alice'),
    directory,
  };
}

export function clientOf(t: Endings, address: string, identity: Identity): Client<typeof Election> {
  const channel = openChannel(address, toServer(identity));
  t.teardown(() => channel.close());
  return createClient(Election, channel);
}

export const ask = () => ({ requestId: randomBytes(16), sealedBytes: 1000 });

/** Waits until the ring, as this server tells it, is as it should be. */
export async function shows(
  client: Client<typeof Election>,
  asItShould: (ring: WatchResponse) => boolean,
): Promise<WatchResponse> {
  for await (const ring of client.watch({}, { deadlineMs: 60_000 })) if (asItShould(ring)) return ring;
  throw new Error('the watch ended');
}

/** All these have sent a pong to the teller, and nobody else looks alive to it. */
export const isWhole = (alive: readonly string[]) => (ring: WatchResponse) =>
  ring.members.filter(({ member }) => member?.state === MemberState.ALIVE).length === alive.length &&
  alive.every((id) => ring.members.some(({ member, load }) => member?.id === id && load !== undefined));
