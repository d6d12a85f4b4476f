/**
 * Rows of a carrier: the cover in the high bytes, data in the low ones; and one `IDAT` of them.
 * docs/format.md, "Carrier" and "Deflate". Of PNG's filters writers use None and Sub, so no row depends on the one
 * above, and any rows make a band.
 */
import { constants, deflateRawSync } from 'node:zlib';
import { LIMITS } from '../../limits.js';
import { adler32 } from './adler.js';
import { chunk, stored } from './chunks.js';
import { differencer, interleaver, narrower } from './samples.js';
import { lowBytes, rowBytes } from './shape.js';

/** How rows are deflated: `fast` stores them, `small` filters them and codes them with Huffman alone. */
export type Compression = 'fast' | 'small';

/** Whole rows to be made into an `IDAT`. */
export interface BandTask {
  /** The cover's samples of these rows, 8 bits each. */
  readonly cover: Uint8Array;
  /** Data of these rows: as many bytes. */
  readonly low: Uint8Array;
  /** In pixels. */
  readonly width: number;
  readonly compression: Compression;
  /** The last rows of the picture. */
  readonly last: boolean;
}

export interface Band {
  /** The `IDAT`, as it stands in the file. */
  readonly chunk: Uint8Array;
  /** Adler-32 of the rows. */
  readonly adler: number;
  /** Length of the rows. */
  readonly rowsBytes: number;
}

const none = 0;
const sub = 1;

const pixelBytes = 6;

export function makeBand({ compression, last, ...samples }: BandTask): Band {
  const rows = rowsOf(samples, compression === 'fast' ? none : sub, memoryFor(samples));
  const data = compression === 'fast' ? stored(rows, last) : [huffmanOnly(rows, last)];
  return { chunk: chunk('IDAT', ...data), adler: adler32(rows), rowsBytes: rows.length };
}

type Samples = Pick<BandTask, 'cover' | 'low' | 'width'>;

/** Rows of filter None. */
export function plainRows(samples: Samples): Uint8Array {
  return rowsOf(samples, none, new Uint8Array(bytesOfRows(samples)));
}

function bytesOfRows({ cover, low, width }: Samples): number {
  const count = low.length / lowBytes(width);
  if (!Number.isInteger(count) || cover.length !== low.length) throw new Error('these are no whole rows');
  return count * rowBytes(width);
}

/** Rows of a band are done with when the next is made: their memory is used again. */
function memoryFor(samples: Samples): Uint8Array {
  const bytes = bytesOfRows(samples);
  if (memory.length < bytes) memory = new Uint8Array(bytes);
  return memory.subarray(0, bytes);
}

let memory = new Uint8Array(0);

/** Fills whole rows; Sub makes each byte less the one that is a pixel before it. */
function rowsOf({ cover, low, width }: Samples, filter: number, rows: Uint8Array): Uint8Array {
  const interleave = interleaver(lowBytes(width));
  const subtract = filter === sub ? differencer(2 * lowBytes(width), pixelBytes) : undefined;
  for (let from = 0, at = 0; from < low.length; from += lowBytes(width), at += rowBytes(width)) {
    const to = from + lowBytes(width);
    const samples = interleave(cover.subarray(from, to), low.subarray(from, to));
    subtract?.(samples);
    rows[at] = filter;
    rows.set(samples, at + 1);
  }
  return rows;
}

/**
 * The low bytes of rows.
 * @returns undefined if a row has another filter than None or Sub
 */
export function lowBytesOf(rows: Uint8Array, width: number): Uint8Array | undefined {
  const samples = lowBytes(width);
  const count = rows.length / rowBytes(width);
  const low = new Uint8Array(count * samples);
  const narrow = narrower(samples);
  for (let row = 0; row < count; row += 1) {
    const from = row * rowBytes(width);
    const at = row * samples;
    narrow(rows.subarray(from + 1, from + rowBytes(width)), low, at);
    if (rows[from] === sub) addUp(low.subarray(at, at + samples));
    else if (rows[from] !== none) return undefined;
  }
  return low;
}

/** The reverse of Sub, for the low bytes of one row. */
function addUp(row: Uint8Array): void {
  for (let at = 3; at < row.length; at += 1) row[at] = row[at]! + row[at - 3]!;
}

function huffmanOnly(rows: Uint8Array, last: boolean): Uint8Array {
  return deflateRawSync(rows, {
    strategy: constants.Z_HUFFMAN_ONLY,
    level: 1,
    memLevel: 9,
    finishFlush: last ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
    chunkSize: LIMITS.idatBytesMax,
  });
}
