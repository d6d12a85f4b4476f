/**
 * A carrier of our layout with another capsule: the slot in the first `IDAT` and the Adler-32 in the last are made
 * anew, the rest is copied. docs/format.md, "Encapsulating". Leaves out pictures that another program saved.
 */
import { FormatError } from '../format-error.js';
import { LIMITS } from '../limits.js';
import { adler32, adlerReplaced } from './layout/adler.js';
import { head, slotChunk, tail, tailBytes } from './layout/chunks.js';
import { lowBytes, rowBytes, slotRows } from './layout/shape.js';
import { readOutline } from './outline.js';
import { piecesOf } from './source.js';
import type { Source } from './source.js';

/** What is read of the source at once. Larger saves calls, smaller memory, of which each snapshot holds one piece. */
const pieceBytes = 1_048_576;

/** The chunks at both ends, made anew. */
interface Ends {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/** A carrier as it would be with another slot, from an offset on; as long as its source. */
export type Snapshot = (from?: number) => AsyncGenerator<Uint8Array, void, undefined>;

/**
 * The stored carrier with another slot, without a byte written.
 * @throws FormatError (png) if the source is not of our layout
 */
export async function snapshot(source: Source, slot: Uint8Array): Promise<Snapshot> {
  const { start, end } = await endsWith(source, slot);
  const endAt = source.bytes - tailBytes;
  return async function* (from = 0) {
    if (from < start.length) yield start.subarray(from);
    yield* piecesOf(source, { from: Math.max(from, start.length), to: endAt, pieceBytes });
    if (from < source.bytes) yield end.subarray(Math.max(0, from - endAt));
  };
}

async function endsWith(source: Source, slot: Uint8Array): Promise<Ends> {
  if (slot.length !== LIMITS.slotBytes) throw new Error(`a slot has ${LIMITS.slotBytes} bytes`);
  const outline = await readOutline(source);
  if (outline === undefined) {
    throw new FormatError('png', 'another program saved this picture anew: rights cannot be put into it');
  }
  const { shape, slotRows: old, adler } = outline;
  const rows = withSlot(old, shape.width, slot);
  const restBytes = (shape.height - slotRows(shape.width)) * rowBytes(shape.width);
  return {
    start: Buffer.concat([head(shape), slotChunk(rows)]),
    end: tail(adlerReplaced(adler, adler32(old), adler32(rows), restBytes)),
  };
}

/** Rows of filter None with other low bytes, as far as the slot goes. */
function withSlot(rows: Uint8Array, width: number, slot: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(rows);
  slot.forEach((byte, index) => {
    const row = Math.floor(index / lowBytes(width));
    changed[row * rowBytes(width) + 2 + 2 * (index % lowBytes(width))] = byte;
  });
  return changed;
}
