/**
 * A grant's log as a chain: each head stands for all entries so far. docs/format.md, "Log". Whoever remembers a
 * head can prove that nothing before it was changed, left out, moved or put in since, and about where if it was.
 */
import { createHash } from 'node:crypto';
import { LogEntrySchema } from '../../gen/glimpse/v1/discovery_pb.js';
import type { LogEntry } from '../../gen/glimpse/v1/discovery_pb.js';
import { FormatError } from '../format-error.js';
import { LIMITS } from '../limits.js';
import { readMessage } from '../message.js';

/** The head of a log without entries. */
export const EMPTY_LOG_HEAD: Uint8Array = new Uint8Array(32);

/** A head that was seen, of a log that had `length` entries then. */
export interface LogHead {
  readonly length: number;
  readonly head: Uint8Array;
}

/** The first thing that is wrong with a log, among the places `from` to `to`, counted from 1. */
export interface LogFlaw {
  /** `missing`: entries that were there are gone; `moved`: another stands in the place; `changed`: not as written. */
  readonly what: 'missing' | 'moved' | 'changed';
  readonly from: number;
  readonly to: number;
}

export interface LogProof {
  /** Those that can be read, in the order in which they were told. */
  readonly entries: readonly LogEntry[];
  /** Heads after each entry, computed from the entries as told; the first is that of the empty log. */
  readonly heads: readonly Uint8Array[];
  /** Undefined: these are the entries that all the heads stand for. */
  readonly flaw: LogFlaw | undefined;
}

/** The head after one more entry, encoded. */
export function nextLogHead(head: Uint8Array, entry: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(head).update(entry).digest());
}

/**
 * Holds a log against its head, and against heads seen before.
 * @param told encoded entries, from the first
 * @param seen in any order
 */
export function proveLog(
  told: readonly Uint8Array[],
  head: Uint8Array,
  seen: readonly LogHead[] = [],
): LogProof {
  const heads = [EMPTY_LOG_HEAD];
  for (const entry of told) heads.push(nextLogHead(heads.at(-1)!, entry));
  const read = told.map(readEntry);
  const misplaced = misplacedIn(read.map((entry) => entry?.sequence));
  const unproven = unprovenIn(heads, [...seen, { length: told.length, head }]);
  const chainFirst = unproven !== undefined && (misplaced === undefined || unproven.to < misplaced.from);
  return {
    entries: read.filter((entry) => entry !== undefined),
    heads,
    flaw: chainFirst ? unproven : (misplaced ?? unproven),
  };
}

/**
 * All entries of a log, proven against its head and against heads seen before.
 * @param entries encoded, from the first
 * @throws FormatError (log) if they are not those that the heads stand for
 */
export function verifyLog(
  entries: readonly Uint8Array[],
  head: Uint8Array,
  seen: readonly LogHead[] = [],
): readonly LogEntry[] {
  const proof = proveLog(entries, head, seen);
  if (proof.flaw) throw new FormatError('log', flawText(proof.flaw));
  return proof.entries;
}

/** The flaw and its place, for people. */
export function flawText({ what, from, to }: LogFlaw): string {
  const one = from === to;
  const places = one ? `entry ${from}` : `entries ${from} to ${to}`;
  if (what === 'missing') return `${places} ${one ? 'is' : 'are'} gone`;
  if (what === 'moved') return `${places} ${one ? 'stands' : 'stand'} where another was written`;
  return one ? `${places} is not as it was written` : `among ${places} something is not as it was written`;
}

/** The first entry that does not say that it belongs where it stands. */
function misplacedIn(sequences: readonly (number | undefined)[]): LogFlaw | undefined {
  const at = sequences.findIndex((sequence, index) => sequence !== index + 1);
  if (at < 0) return undefined;
  const [place, sequence] = [at + 1, sequences[at]];
  if (sequence === undefined) return { what: 'changed', from: place, to: place };
  const elsewhere = sequences.indexOf(place, at);
  if (elsewhere >= 0) return { what: 'moved', from: place, to: elsewhere + 1 };
  if (sequence > place) return { what: 'missing', from: place, to: sequence - 1 };
  return { what: 'moved', from: place, to: place };
}

/** What lies between the last head that holds and the first that does not. */
function unprovenIn(heads: readonly Uint8Array[], known: readonly LogHead[]): LogFlaw | undefined {
  const length = heads.length - 1;
  const sorted = [...known].sort((one, other) => one.length - other.length);
  let proven = 0;
  for (const each of sorted) {
    const found = heads[each.length];
    if (found === undefined) return { what: 'missing', from: length + 1, to: sorted.at(-1)!.length };
    if (Buffer.compare(found, each.head) !== 0) {
      return { what: 'changed', from: Math.min(proven + 1, each.length), to: each.length };
    }
    proven = each.length;
  }
  return undefined;
}

function readEntry(encoded: Uint8Array): LogEntry | undefined {
  try {
    return readMessage(LogEntrySchema, encoded, { layer: 'log', bytesMax: LIMITS.logEntryBytesMax });
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
