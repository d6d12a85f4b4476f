/**
 * Rows of a carrier: the cover in the high bytes, data in the low ones; and one `IDAT` of them.
 * docs/format.md, "Carrier" and "Deflate". Of PNG's filters writers use None and Sub, so no row depends on the one
 * above, and any rows make a band.
 */
import { constants, deflateRawSync } from 'node:zlib';
import { LIMITS } from '../../limits.js';
import { adler32 } from './adler.js';
import { chunk, stored } from './chunks.js';
import { interleaved, lowOf } from './samples.js';
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

export function makeBand({ cover, low, width, compression, last }: BandTask): Band {
  const rows = compression === 'fast' ? plainRows(cover, low, width) : subRows(cover, low, width);
  const data = compression === 'fast' ? stored(rows, last) : [huffmanOnly(rows, last)];
  return { chunk: chunk('IDAT', ...data), adler: adler32(rows), rowsBytes: rows.length };
}

/** Rows of filter None. `cover` and `low` are of one length, a multiple of the width's. */
export function plainRows(cover: Uint8Array, low: Uint8Array, width: number): Uint8Array {
  return filtered(none, interleaved(cover, low), width);
}

/** Rows of filter Sub: each byte less the one that is a pixel before it. */
function subRows(cover: Uint8Array, low: Uint8Array, width: number): Uint8Array {
  return filtered(sub, interleaved(differences(cover, width), differences(low, width)), width);
}

function differences(bytes: Uint8Array, width: number): Uint8Array {
  const less = Uint8Array.from(bytes);
  for (let row = 0; row < bytes.length; row += lowBytes(width)) {
    for (let at = row + 3; at < row + lowBytes(width); at += 1) less[at] = bytes[at]! - bytes[at - 3]!;
  }
  return less;
}

function filtered(filter: number, samples: Uint8Array, width: number): Uint8Array {
  const sampleBytes = 2 * lowBytes(width);
  if (samples.length % sampleBytes !== 0) throw new Error('these are no whole rows');
  const count = samples.length / sampleBytes;
  const rows = new Uint8Array(count * rowBytes(width));
  for (let row = 0; row < count; row += 1) {
    rows[row * rowBytes(width)] = filter;
    rows.set(samples.subarray(row * sampleBytes, (row + 1) * sampleBytes), row * rowBytes(width) + 1);
  }
  return rows;
}

/**
 * The low bytes of rows.
 * @returns undefined if a row has another filter than None or Sub
 */
export function lowBytesOf(rows: Uint8Array, width: number): Uint8Array | undefined {
  const count = rows.length / rowBytes(width);
  const low = new Uint8Array(count * lowBytes(width));
  for (let row = 0; row < count; row += 1) {
    const from = row * rowBytes(width);
    const rowLow = lowOf(rows.subarray(from + 1, from + rowBytes(width)));
    if (rows[from] === sub) addUp(rowLow);
    else if (rows[from] !== none) return undefined;
    low.set(rowLow, row * lowBytes(width));
  }
  return low;
}

/** The reverse of `differences`, within one row. */
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
