/**
 * Clients of the case `directory` that ask, in a process of their own: `asking.process.js DATA`, the folder of the cloud.
 * How long each call took is told in ms.
 */
import { randomInt } from 'node:crypto';
import { Servers } from '../../client/cloud/servers.js';
import type { ServerClients } from '../../client/cloud/servers.js';
import { readRights, signRights } from '../../core/rights/signed.js';
import { GrantSide } from '../../gen/glimpse/v1/discovery_pb.js';
import type { SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import { Registry } from '../harness/registry.js';
import type { Registered } from '../harness/registry.js';
import { answering } from '../table/answering.js';
import { measuredVersion, registeredName } from './told.js';
import type { Asked, Asking, Moments, Present } from './told.js';

/** Who give at the same time, each one grant after the other. */
const givers = 32;

const registry = await Registry.open(process.argv[2]!);
const connections: Joined[] = [];

interface Joined extends ServerClients {
  readonly registered: Registered;
}

/** So many that have joined and are connected. They are new each time: each name is held to a rate of its own. */
async function joined(count: number, address: string): Promise<readonly Joined[]> {
  const names = Array.from({ length: count }, (_, index) => `asker-${connections.length + index}`);
  const made = await Promise.all(
    names.map(async (name) => {
      const registered = await registry.register(name);
      const servers = new Servers(await registry.identity(registered));
      return { registered, ...servers.at(address) };
    }),
  );
  connections.push(...made);
  return made;
}

/** All callers ask, each one thing after the other. */
async function ask(
  { address, count, callers }: Asking,
  call: (server: ServerClients) => Promise<void>,
): Promise<Asked> {
  const servers = await joined(callers, address);
  // The first call opens the connection.
  await Promise.all(servers.map(call));
  const tookMs: number[] = [];
  const allBeganMs = performance.now();
  await Promise.all(
    servers.map(async (server) => {
      for (let asked = 0; asked < count / callers; asked += 1) {
        const beganMs = performance.now();
        await call(server);
        tookMs.push(performance.now() - beganMs);
      }
    }),
  );
  return { tookMs, seconds: (performance.now() - allBeganMs) / 1_000 };
}

interface OfMany extends Asking {
  /** How many names there are. */
  readonly names: number;
}

const lookUp = (asking: OfMany): Promise<Asked> =>
  ask(asking, async ({ discovery }) => {
    const name = registeredName(randomInt(asking.names));
    const { entry } = await discovery.lookUp({ name });
    if (entry?.name !== name) throw new Error(`${name} was looked up, and ${entry?.name} found`);
  });

const list = (asking: OfMany): Promise<Asked> =>
  ask(asking, async ({ discovery }) => {
    const { entries } = await discovery.list({ after: registeredName(randomInt(asking.names)) });
    if (entries.length === 0) throw new Error('a page of the list is empty');
  });

/** All who are present, page after page. */
async function listPresent(address: string): Promise<number> {
  const [caller] = await joined(1, address);
  const names = new Set<string>();
  for (let after = ''; ;) {
    const { entries, more } = await caller!.discovery.list({ after, onlineOnly: true });
    for (const { name } of entries) names.add(name);
    if (!more) return names.size;
    after = entries.at(-1)!.name;
  }
}

interface Giver extends Joined {
  readonly given: SignedRights[];
}

let gave: readonly Giver[] = [];

/** Gives each a grant. */
async function give({ address, viewers }: { address: string; viewers: Present[] }): Promise<void> {
  const all = await joined(Math.min(givers, viewers.length), address);
  gave = all.map((giver) => ({ ...giver, given: [] }));
  const waiting = viewers.values();
  await Promise.all(
    gave.map(async ({ registered, discovery, given }) => {
      for (const { name, fingerprint } of waiting) {
        const viewer = { name, fingerprint: new Uint8Array(Buffer.from(fingerprint, 'hex')) };
        const { signedRights } = registry.rights(registered, viewer);
        await discovery.putRights({ signedRights });
        given.push(signedRights);
      }
    }),
  );
}

/** Changes the rights of each grant, and tells when each was begun to be put. */
async function change(): Promise<Moments> {
  const begun: Record<string, number> = {};
  await Promise.all(
    gave.map(async ({ registered, discovery, given }) => {
      for (const first of given) {
        const rights = { ...readRights(first), version: measuredVersion };
        const signedRights = signRights(rights, registered.keys.signing);
        begun[Buffer.from(rights.grantId).toString('hex')] = performance.timeOrigin + performance.now();
        await discovery.putRights({ signedRights });
      }
    }),
  );
  return begun;
}

/** How many of these grants their viewers have acknowledged at this version. */
async function taken(version: number): Promise<number> {
  const counts = await Promise.all(gave.map((giver) => takenOf(giver, version)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function takenOf({ discovery }: Joined, version: number): Promise<number> {
  let count = 0;
  for (let after: Uint8Array = new Uint8Array(); ;) {
    const { grants, more } = await discovery.listGrants({ side: GrantSide.OWNER, after });
    count += grants.filter(({ versionTaken }) => versionTaken === version).length;
    if (!more) return count;
    after = readRights(grants.at(-1)!.signedRights!).grantId;
  }
}

await answering({ lookUp, list, listPresent, give, change, taken });
await registry.close();
process.exit();
