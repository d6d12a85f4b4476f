/**
 * A process of the case `unlock` that spends views: `spending.process.js DATA NUMBER [STORE]`, the folder of the cloud, which of
 * the processes it is, and where the store is if it is in etcd.
 */
import type { GrantStatus } from '../../gen/glimpse/v1/discovery_pb.js';
import { Ledger } from '../../server/ledger/ledger.js';
import { parseEtcdLocation } from '../../server/store/location.js';
import { Registry } from '../harness/registry.js';
import type { Granting, Registered } from '../harness/registry.js';
import { answering } from '../table/answering.js';
import type { Counted, HeldTold, Spending, Spent } from './told.js';
import { byBareCalls, byCalls, byLedger, byStore } from './ways.js';
import type { Held, Spend } from './ways.js';

const [data, number, location = ''] = process.argv.slice(2);
const etcd = parseEtcdLocation(location);
const registry = await Registry.open(data!, etcd && { ...etcd, files: {} });
const ledger = new Ledger({ store: registry.store, cloudId: registry.cluster.cloudId, nowMs: Date.now });
const owner = await registry.register(`owner-${number}`);
const hex = (some: Uint8Array): string => Buffer.from(some).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
let viewers = 0;
let held: Held[] = [];
let spending: Spend[] = [];
const closing: (() => void)[] = [];

async function hold(): Promise<Granting & { viewer: Registered }> {
  const viewer = await registry.register(`viewer-${number}-${(viewers += 1)}`);
  const granting = registry.rights(owner, viewer);
  await ledger.put({ ...owner, keys: owner.bundle }, granting.signedRights);
  return { ...granting, viewer };
}

/** Grants, and whoever spends views of them connected. */
async function prepare(asked: Spending): Promise<HeldTold[]> {
  const { callers, grants } = asked;
  held = [];
  for (const close of closing.splice(0)) close();
  const ways = await Promise.all(Array.from({ length: grants }, (_, index) => wayOf(asked, index)));
  spending = Array.from({ length: callers }, (_, caller) => ways[caller % grants]!);
  if (closing.length > 0) await Promise.all(ways.map((one) => one()));
  return held.map(({ grantId, sealId, viewer }) => ({
    grantId: hex(grantId),
    sealId: hex(sealId),
    fingerprint: hex(viewer.fingerprint),
  }));
}

async function wayOf({ way, addresses, held: given }: Spending, index: number): Promise<Spend> {
  if (way === 'store') return byStore(registry.store, `${number}-${performance.now()}-${index}`);
  const told = given?.[index];
  if (told) {
    const { grantId, sealId, fingerprint } = told;
    const theirs = {
      grantId: bytes(grantId),
      sealId: bytes(sealId),
      viewer: { fingerprint: bytes(fingerprint) },
    };
    held.push(theirs);
    return byLedger(ledger, theirs);
  }
  const own = await hold();
  if (way !== 'bare') held.push(own);
  if (way === 'ledger') return byLedger(ledger, own);
  const calling = await (way === 'bare'
    ? byBareCalls(registry, own.viewer, addresses)
    : byCalls(registry, own, addresses));
  closing.push(calling.close);
  return calling.spend;
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
for (const close of closing) close();
await ledger.close();
await registry.close();
process.exit();
