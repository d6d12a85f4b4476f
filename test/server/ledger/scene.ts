/** A ledger on a store of its own, its people, and a clock that is moved by hand. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { v7 } from 'uuid';
import { makeKeyBundle } from '../../../core/identity/keys.js';
import type { ClientKeys } from '../../../core/identity/keys.js';
import { signRights } from '../../../core/rights/signed.js';
import { Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import type { SignedRights } from '../../../gen/glimpse/v1/rights_pb.js';
import { Ledger } from '../../../server/ledger/ledger.js';
import type { Owner } from '../../../server/ledger/putting.js';
import { openSqliteStore } from '../../../server/store/sqlite.js';
import type { Store } from '../../../server/store/store.js';
import { owner, partyOf, rightsOf, stranger, viewer } from '../../core/rights/samples.js';

export const clientOf = (name: string, keys: ClientKeys): Owner => ({
  ...partyOf(name, keys),
  keys: makeKeyBundle(keys),
});
export const alice = clientOf('alice', owner);
export const bob = clientOf('bob', viewer);
export const mallory = clientOf('mallory', stranger);

export const cloudId = rightsOf().cloudId;
export const { grantId, sealId } = rightsOf();
export const bytes16 = (value: number) => new Uint8Array(16).fill(value);
export const bytes32 = (value: number) => new Uint8Array(32).fill(value);

/** Alice's rights for Bob, signed by her. */
export const signed = (more: Parameters<typeof rightsOf>[0] = {}): SignedRights =>
  signRights(rightsOf(more), owner.signing);

export const viewIdAt = (ms: number): Uint8Array =>
  v7({ msecs: ms, random: randomBytes(16) }, new Uint8Array(16));

export const startMs = Date.UTC(2026, 0, 1);

export interface Clock {
  ms: number;
}

export async function inPlace(t: Pick<ExecutionContext, 'teardown'>): Promise<string> {
  const place = await mkdtemp(path.join(tmpdir(), 'glimpse-ledger-'));
  t.teardown(() => rm(place, { recursive: true, force: true }));
  return place;
}

export async function ledgerAt(t: Pick<ExecutionContext, 'teardown'>, place: string) {
  const store = await openSqliteStore({ directory: place });
  const clock: Clock = { ms: startMs };
  const ledger = ledgerOn(store, () => clock.ms);
  t.teardown(async () => {
    await ledger.close();
    await store.close();
  });
  return { store, clock, ledger };
}

export const opened = async (t: Pick<ExecutionContext, 'teardown'>) => ledgerAt(t, await inPlace(t));

export function ledgerOn(store: Store, nowMs: () => number): Ledger {
  return new Ledger({ store, cloudId, nowMs });
}

/** Why it was refused. */
export async function refusalOf(call: Promise<unknown>): Promise<Refused> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

export const reasonOf = async (call: Promise<unknown>) => Reason[(await refusalOf(call)).reason];

export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** A grant's whole log with its head. */
export async function wholeLog(ledger: Ledger, party = alice, grant = grantId) {
  const entries: Uint8Array[] = [];
  for (;;) {
    const page = await ledger.log(party, grant, entries.length);
    entries.push(...page.entries);
    if (!page.more) return { entries, head: page.head };
  }
}

/** The store, but something else happens between the next reading and its writing. */
export function interruptible(store: Store) {
  let interruption: (() => Promise<unknown>) | undefined;
  const interrupted: Store = {
    get: (key) => store.get(key),
    getAll: (keys) => store.getAll(keys),
    list: (range) => store.list(range),
    grantLease: (ttlMs) => store.grantLease(ttlMs),
    watch: (prefix, options) => store.watch(prefix, options),
    close: () => store.close(),
    async transact(compares, writes) {
      const now = interruption;
      interruption = undefined;
      await now?.();
      return store.transact(compares, writes);
    },
  };
  return { store: interrupted, interruptWith: (by: () => Promise<unknown>) => (interruption = by) };
}
