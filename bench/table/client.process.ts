/** A member of the cloud under measurement: the product's engine on a vault of its own, up, and asked to request. */
import { randomBytes } from 'node:crypto';
import { readdir, truncate } from 'node:fs/promises';
import path from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { createEngine } from '../../client/create-engine.js';
import { PEER_LIMITS } from '../../client/peer/limits.js';
import { assemble } from '../../client/peer/member.js';
import type { Member } from '../../client/peer/member.js';
import { worldEdge } from '../../client/peer/workings.js';
import { openVault } from '../../client/vault/vault.js';
import { TicketSchema } from '../../gen/glimpse/v1/election_pb.js';
import { answering } from './answering.js';
import type { Granted, Requested } from './requested.js';

const [home, host] = process.argv.slice(2) as [string, string];
const vault = openVault(home);
const engine = createEngine({ vault, tell: (line) => process.stderr.write(`${line}\n`) });

interface Asking {
  readonly owner: string;
  readonly images: readonly string[];
}

/** One after the other, as a person would. */
async function request({ owner, images }: Asking): Promise<Requested[]> {
  const requested: Requested[] = [];
  for (const image of images) {
    const beganMs = performance.now();
    const outcome = await engine.request(owner, image).then(
      ({ leader }) => ({ leader }),
      (error: unknown) => ({ leader: '', failure: String(error) }),
    );
    requested.push({ tookMs: performance.now() - beganMs, ...outcome });
  }
  return requested;
}

/** The image ids of a gallery, by the names of its photos. */
async function browse(owner: string): Promise<Record<string, string>> {
  const ids: [string, string][] = [];
  for await (const part of engine.browse(owner)) {
    if (part.kind === 'photo') ids.push([part.name, part.id]);
    if (part.kind === 'notice') throw new Error(`${part.name}: ${part.message}`);
  }
  return Object.fromEntries(ids);
}

const joined = (): Member => {
  const identity = vault.identity.get();
  if (!identity?.membership) throw new Error('It has not joined.');
  const options = { vault, edge: worldEdge, tell: () => undefined, periods: PEER_LIMITS };
  return assemble(identity, identity.membership, options);
};
let member: Member | undefined;

interface Electing {
  /** Asked in turn, at once after the grant before. */
  readonly addresses: readonly string[];
  readonly deadlineMs: number;
}

/** One election after the other, asked of exactly these servers; hidden is nothing. */
async function elect({ addresses, deadlineMs }: Electing): Promise<Granted[]> {
  member ??= joined();
  const granted: Granted[] = [];
  for (const address of addresses) {
    const requestId = new Uint8Array(randomBytes(16));
    const beganMs = performance.now();
    const { ticket, leader } = await member.workings
      .servers(address)
      .election.elect({ requestId, sealedBytes: 1_000_000 }, { deadlineMs });
    const { hop } = fromBinary(TicketSchema, ticket!.ticket);
    granted.push({ tookMs: performance.now() - beganMs, leader, hop });
  }
  return granted;
}

/** Who is online, as the directory has it. */
async function online(): Promise<string[]> {
  member ??= joined();
  const entries = await member.workings.cloud.list();
  return entries.filter((entry) => entry.online).map(({ name }) => name);
}

/**
 * Frees the disk of pictures that were measured: what is left is what a client remembers of them. Emptied and not
 * removed: for a minute ext4 looks at each inode that was freed whenever a file is made, in what is measured next.
 */
async function clear(): Promise<void> {
  for (const folder of [vault.home.carriers, vault.home.inbox]) {
    for (const name of await readdir(folder)) await truncate(path.join(folder, name));
  }
}

await answering({
  join: async ({ code, name }: { code: string; name: string }) => {
    await engine.join(code, name);
  },
  up: async (gallery: string | null) => {
    const { address } = await engine.up({
      ...(gallery !== null && { gallery }),
      listen: { host, port: 0 },
      views: 3,
      mode: 'strict',
      cover: 'preview',
      open: true,
    });
    return address;
  },
  browse,
  request,
  elect,
  online,
  clear,
});
await member?.close();
await engine.close();
vault.close();
process.exit();
