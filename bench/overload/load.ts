/**
 * Many owners who have photos hidden at once by real server processes, one of whom never reads, while others elect
 * and view. Used by the case, and by the test that holds the servers to their memory.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { v7 } from 'uuid';
import { isPassing } from '../../client/cloud/failover.js';
import { Servers } from '../../client/cloud/servers.js';
import { RPC_LIMITS } from '../../core/rpc/limits.js';
import { STEGO_LIMITS } from '../../server/stego/limits.js';
import { Registry } from '../harness/registry.js';
import type { Registered } from '../harness/registry.js';
import { BenchCloud } from '../table/cloud.js';
import { Child } from '../table/child.js';
import type { Used } from '../table/child.js';
import { Client, elect, timed } from './client.js';

const ownersMain = fileURLToPath(new URL('owners.process.js', import.meta.url));

/**
 * What a server may have in memory at once: twice what it lets owners declare (a hiding holds its cover's raster and
 * bands of its carrier), the covers it keeps and the one that it decodes, a window of each stream, and 256 MiB for itself.
 */
export const BOUND_BYTES =
  2 * STEGO_LIMITS.declaredBytesMax +
  STEGO_LIMITS.coverCacheBytesMax +
  6 * STEGO_LIMITS.coverPixelsMax +
  STEGO_LIMITS.streamsMax * RPC_LIMITS.windowBytes +
  256 * 1024 * 1024;

export interface Crowd {
  readonly servers: number;
  readonly hides: number;
  readonly bytes: number;
  /** Path of a picture. */
  readonly cover: string;
}

/** What was asked all the while. */
export interface Asked {
  readonly tookMs: readonly number[];
  readonly failed: number;
}

/** Of a server, while it lasted. */
export interface Load extends Used {
  /** Of the event loop: how late timers were. */
  readonly delayP99Ms: number;
}

async function loadOf(server: Child): Promise<Load> {
  return { ...(await server.ask<Used>('used')), delayP99Ms: await server.ask<number>('delayP99Ms') };
}

export interface Borne {
  /** How long each hiding took its owner, waiting included. */
  readonly hidesMs: readonly number[];
  readonly elections: Asked;
  readonly unlocks: Asked;
  /** Of each server. */
  readonly used: readonly Load[];
}

/** @throws Error if a hiding fails */
export async function bear(folder: string, { servers, hides, bytes, cover }: Crowd): Promise<Borne> {
  const ids = Array.from({ length: servers }, (_, index) => `s${index + 1}`);
  const bench = await BenchCloud.open({ folder, servers: ids });
  const clients: Client[] = [];
  let owners: Child | undefined;
  try {
    const registry = await Registry.open(path.join(folder, 'cloud'));
    const addresses = (await bench.addresses()).map(({ address }) => address);
    const client = async (who: Registered): Promise<Client> => {
      const made = new Client(new Servers(await registry.identity(who)), addresses);
      clients.push(made);
      return made;
    };
    const [alice, bob] = (await registry.registerAll(2, (index) => ['alice', 'bob'][index]!)) as [
      Registered,
      Registered,
    ];
    const [owner, viewer] = [await client(alice), await client(bob)];
    const words = [path.join(folder, 'cloud'), String(hides), String(bytes), ...addresses];
    owners = new Child('owners', [ownersMain, ...words], path.join(folder, 'owners.log'));
    await owners.ask('stick', cover);
    await Promise.all(bench.servers.map((server) => server.ask('delayP99Ms')));
    const grant = registry.rights(alice, bob);
    await owner.cloud.putRights(grant.signedRights);
    const over = new AbortController();
    const electing = repeated(over.signal, () => elect(viewer.cloud, bytes));
    const unlocking = repeated(over.signal, async () => {
      const asked = { grantId: grant.grantId, sealId: grant.sealId, viewIds: [v7({}, new Uint8Array(16))] };
      await viewer.cloud.call((at, each) => at.stego.unlock(asked, each));
    });
    const hidesMs = await owners.ask<number[]>('hide', cover).finally(() => over.abort());
    const [elections, unlocks] = [await electing, await unlocking];
    const used = await Promise.all(bench.servers.map(loadOf));
    await registry.close();
    return { hidesMs, elections, unlocks, used };
  } finally {
    for (const { connections } of clients) connections.close();
    await owners?.stop();
    await bench.close();
  }
}

/** One after the other until the signal; how long each took that was answered, and how many were not. */
async function repeated(signal: AbortSignal, act: () => Promise<unknown>): Promise<Asked> {
  const tookMs: number[] = [];
  let failed = 0;
  while (!signal.aborted) {
    try {
      tookMs.push(await timed(act));
    } catch (error) {
      if (!isPassing(error)) throw error;
      failed += 1;
    }
  }
  return { tookMs, failed };
}
