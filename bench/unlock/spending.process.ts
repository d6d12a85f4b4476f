/**
 * A process of the case `unlock` that spends views: `spending.process.js DATA NUMBER`, the folder of the cloud and which
 * of the processes it is.
 */
import type { GrantStatus } from '../../gen/glimpse/v1/discovery_pb.js';
import { Ledger } from '../../server/ledger/ledger.js';
import { Registry } from '../harness/registry.js';
import { answering } from '../table/answering.js';
import type { Counted, Spending, Spent, Way } from './told.js';
import { byCalls, byLedger, byStore } from './ways.js';
import type { Held, Spend } from './ways.js';

const [data, number] = process.argv.slice(2);
const registry = await Registry.open(data!);
const ledger = new Ledger({ store: registry.store, cloudId: registry.cluster.cloudId, nowMs: Date.now });
const owner = await registry.register(`owner-${number}`);
let viewers = 0;
let held: Held[] = [];
let spending: Spend[] = [];

async function hold(): Promise<Held> {
  const viewer = await registry.register(`viewer-${number}-${(viewers += 1)}`);
  const granting = registry.rights(owner, viewer);
  await ledger.put({ ...owner, keys: owner.bundle }, granting.signedRights);
  return { ...granting, viewer };
}

/** New grants, and whoever spends views of them connected. */
async function prepare({ way, callers, grants, addresses }: Spending): Promise<void> {
  const all = <T>(count: number, make: (index: number) => T) =>
    Promise.all(Array.from({ length: count }, (_, index) => make(index)));
  held = way === 'store' ? [] : await all(grants, hold);
  const ways = await all(grants, (index) => wayOf(way, index, addresses));
  spending = Array.from({ length: callers }, (_, caller) => ways[caller % grants]!);
  if (way === 'calls') await Promise.all(ways.map((one) => one()));
}

function wayOf(way: Way, index: number, addresses: readonly string[]): Spend | Promise<Spend> {
  if (way === 'ledger') return byLedger(ledger, held[index]!);
  if (way === 'calls') return byCalls(registry, held[index]!, addresses);
  return byStore(registry.store, `${number}-${performance.now()}-${index}`);
}

async function spend(forMs: number): Promise<Spent> {
  const latenciesMs: number[] = [];
  const beganMs = performance.now();
  const endMs = beganMs + forMs;
  await Promise.all(
    spending.map(async (one) => {
      while (performance.now() < endMs) {
        const askedMs = performance.now();
        await one();
        latenciesMs.push(performance.now() - askedMs);
      }
    }),
  );
  return { seconds: (performance.now() - beganMs) / 1_000, latenciesMs };
}

/** What the ledger has of these grants. */
async function count(): Promise<Counted> {
  const all = await Promise.all(held.map(({ viewer, grantId }) => ledger.read(viewer, [grantId])));
  const sum = (of: (status: GrantStatus) => number) =>
    all.flat().reduce((total, status) => total + of(status), 0);
  // The first entry of a log is the grant itself.
  return { views: sum(({ used }) => used), entries: sum(({ logLength }) => logLength - 1) };
}

await answering({ prepare, spend, count });
await ledger.close();
await registry.close();
process.exit();
