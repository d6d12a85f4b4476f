/**
 * A grant's log as a chain: each head stands for all entries so far. docs/format.md, "Log". Whoever remembers a
 * head can prove that nothing before it was changed, left out or put in since.
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

/** The head after one more entry, encoded. */
export function nextLogHead(head: Uint8Array, entry: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(head).update(entry).digest());
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
): LogEntry[] {
  const heads = [EMPTY_LOG_HEAD];
  for (const entry of entries) heads.push(nextLogHead(heads.at(-1)!, entry));
  for (const known of [...seen, { length: entries.length, head }]) {
    const found = heads[known.length];
    if (found === undefined) {
      throw new FormatError('log', `it has ${entries.length} entries; it had ${known.length} before`);
    }
    if (Buffer.compare(found, known.head) !== 0) {
      throw new FormatError('log', `its first ${known.length} entries are not those that were written`);
    }
  }
  return entries.map((entry, index) => readEntry(entry, index + 1));
}

function readEntry(encoded: Uint8Array, sequence: number): LogEntry {
  const entry = readMessage(LogEntrySchema, encoded, { layer: 'log', bytesMax: LIMITS.logEntryBytesMax });
  if (entry.sequence !== sequence) {
    throw new FormatError('log', `entry ${sequence} says that it is entry ${entry.sequence}`);
  }
  return entry;
}
