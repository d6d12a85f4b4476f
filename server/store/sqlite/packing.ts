/**
 * Writes on their way to the engine's thread, and their outcomes on the way back. A message is cloned object by object, which cost three times
 * what the engine does with it; in columns a batch is a few arrays, however many calls it carries.
 */
import type { Compare } from '../store.js';
import type { EngineWrite, Outcome, Transaction } from './engine.js';

/** Byte strings one after the other, and where each ends. */
interface PackedBytes {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

/** All compares and all writes, transaction after transaction. Keys have no spaces, and stand between spaces. */
export interface PackedTransactions {
  /** Of each transaction how many compares, then how many writes. */
  readonly counts: Uint32Array;
  readonly comparedKeys: string;
  readonly revisions: Float64Array;
  readonly writtenKeys: string;
  /** Of each write the sum of these. */
  readonly kinds: Uint8Array;
  /** Of each write; empty for a deletion. */
  readonly values: PackedBytes;
  /** Of the few writes that have one, by their number. */
  readonly leases: ReadonlyMap<number, string>;
}

const deletion = 1;
const quiet = 2;

export function packTransactions(transactions: readonly Transaction[]): PackedTransactions {
  const compares = transactions.flatMap((transaction) => transaction.compares);
  const writes = transactions.flatMap((transaction) => transaction.writes);
  const leases = new Map<number, string>();
  writes.forEach((write, at) => {
    if (write.type === 'put' && write.lease !== null) leases.set(at, write.lease);
  });
  return {
    counts: Uint32Array.from(transactions.flatMap((one) => [one.compares.length, one.writes.length])),
    comparedKeys: compares.map(({ key }) => key).join(' '),
    revisions: Float64Array.from(compares, ({ revision }) => revision),
    writtenKeys: writes.map(({ key }) => key).join(' '),
    kinds: Uint8Array.from(
      writes,
      (write) => (write.type === 'delete' ? deletion : 0) + (write.quiet ? quiet : 0),
    ),
    values: packBytes(writes.map((write) => (write.type === 'put' ? write.value : nothing))),
    leases,
  };
}

export function unpackTransactions(packed: PackedTransactions): Transaction[] {
  const { counts, revisions, kinds, leases } = packed;
  const comparedKeys = packed.comparedKeys.split(' ');
  const writtenKeys = packed.writtenKeys.split(' ');
  const values = unpackBytes(packed.values);
  const compareAt = (at: number): Compare => ({ key: comparedKeys[at]!, revision: revisions[at]! });
  const writeAt = (at: number): EngineWrite => {
    const key = writtenKeys[at]!;
    const isQuiet = (kinds[at]! & quiet) > 0;
    if (kinds[at]! & deletion) return { type: 'delete', key, quiet: isQuiet };
    return { type: 'put', key, quiet: isQuiet, value: values[at]!, lease: leases.get(at) ?? null };
  };
  let compared = 0;
  let written = 0;
  return Array.from({ length: counts.length / 2 }, (_, index) => ({
    compares: Array.from({ length: counts[2 * index]! }, () => compareAt(compared++)),
    writes: Array.from({ length: counts[2 * index + 1]! }, () => writeAt(written++)),
  }));
}

/** Of each transaction its revision, or one of the numbers below. */
export type PackedOutcomes = Float64Array;
const notEqual = -1;
const leaseEnded = -2;

export function packOutcomes(outcomes: readonly Outcome[]): PackedOutcomes {
  return Float64Array.from(outcomes, (outcome) => {
    if (outcome === 'lease-ended') return leaseEnded;
    return outcome.ok ? outcome.revision : notEqual;
  });
}

export function unpackOutcomes(packed: PackedOutcomes): Outcome[] {
  return Array.from(packed, (number) => {
    if (number === leaseEnded) return 'lease-ended';
    return number === notEqual ? { ok: false } : { ok: true, revision: number };
  });
}

const nothing = new Uint8Array();

function packBytes(values: readonly Uint8Array[]): PackedBytes {
  const ends = new Uint32Array(values.length);
  let end = 0;
  values.forEach((value, at) => (ends[at] = end += value.length));
  const bytes = new Uint8Array(end);
  values.forEach((value, at) => bytes.set(value, ends[at]! - value.length));
  return { bytes, ends };
}

/** Parts of one memory: the engine copies what it keeps into the file, and memory for each would have to be freed. */
function unpackBytes({ bytes, ends }: PackedBytes): Uint8Array[] {
  return Array.from(ends, (end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1]!, end));
}
