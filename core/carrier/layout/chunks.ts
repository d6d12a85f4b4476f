/**
 * The chunks of our layout, and where the first and the last `IDAT` stand. docs/format.md, "Chunks";
 * W3C PNG, third edition, sections 5.3, 11.2.1 and 11.3.2.5.
 */
import { crc32 } from 'node:zlib';
import { LIMITS } from '../../limits.js';
import { rowBytes, slotRows } from './shape.js';
import type { Shape } from './shape.js';

export const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** Length, type and CRC. */
export const chunkFrameBytes = 12;

/** Largest data of a stored block. RFC 1951, section 3.2.4. */
const storedBytesMax = 65_535;
const storedHeaderBytes = 5;

export function chunk(type: string, ...data: readonly Uint8Array[]): Buffer {
  const dataBytes = data.reduce((sum, part) => sum + part.length, 0);
  const bytes = Buffer.allocUnsafeSlow(chunkFrameBytes + dataBytes);
  bytes.writeUInt32BE(dataBytes);
  bytes.write(type, 4, 'latin1');
  let at = 8;
  for (const part of data) {
    bytes.set(part, at);
    at += part.length;
  }
  bytes.writeUInt32BE(crc32(bytes.subarray(4, at)), at);
  return bytes;
}

/** Everything before the first `IDAT`. */
export function head({ width, height }: Shape): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([16, 2, 0, 0, 0], 8); // 16 bits a sample, RGB, deflate, the five filters, not interlaced
  return Buffer.concat([signature, chunk('IHDR', header), chunk('sRGB', Uint8Array.of(0))]);
}

/** Length of `head`. */
export const headBytes = 8 + (chunkFrameBytes + 13) + (chunkFrameBytes + 1);

/** The last `IDAT`, with the Adler-32 of all rows, and `IEND`. */
export function tail(adler: number): Buffer {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(adler);
  return Buffer.concat([chunk('IDAT', checksum), chunk('IEND')]);
}

/** Length of `tail`. */
export const tailBytes = 2 * chunkFrameBytes + 4;

/** Length of the first `IDAT`, whatever it holds. */
export function slotChunkBytes(width: number): number {
  return chunkFrameBytes + 2 + storedBytes(slotRows(width) * rowBytes(width));
}

/** The first `IDAT`, of the slot rows with their filter bytes. */
export function slotChunk(rows: Uint8Array): Buffer {
  return chunk('IDAT', Uint8Array.of(0x78, 0x01), ...stored(rows, false));
}

/**
 * The slot rows with their filter bytes.
 * @param chunkBytes as many as `slotChunkBytes` says
 * @returns undefined if it was not made by `slotChunk`
 */
export function rowsOfSlotChunk(chunkBytes: Uint8Array): Uint8Array | undefined {
  const rows = unstored(chunkBytes.subarray(8 + 2, -4));
  return rows && Buffer.compare(slotChunk(rows), chunkBytes) === 0 ? rows : undefined;
}

/** Length of `bytes` bytes as stored blocks. */
function storedBytes(bytes: number): number {
  return bytes + storedHeaderBytes * Math.max(1, Math.ceil(bytes / storedBytesMax));
}

/** The bytes as stored blocks of deflate, which end on a byte boundary: their headers, and views of the bytes. */
export function stored(bytes: Uint8Array, final: boolean): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += storedBytesMax) {
    const block = bytes.subarray(at, at + storedBytesMax);
    const header = Buffer.alloc(storedHeaderBytes);
    header[0] = final && at + storedBytesMax >= bytes.length ? 1 : 0;
    header.writeUInt16LE(block.length, 1);
    header.writeUInt16LE(block.length ^ 0xffff, 3);
    parts.push(header, block);
  }
  return parts;
}

/** What stored blocks hold. @returns undefined unless they are as `stored` makes them: full, but for the last */
export function unstored(blocks: Uint8Array): Uint8Array | undefined {
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < blocks.length;) {
    const from = at + storedHeaderBytes;
    if (from > blocks.length || blocks[at]! > 1) return undefined;
    const bytes = view.getUint16(at + 1, true);
    const to = from + bytes;
    const full = bytes === storedBytesMax && blocks[at] === 0;
    if (
      (bytes ^ view.getUint16(at + 3, true)) !== 0xffff ||
      (full ? to > blocks.length : to !== blocks.length)
    ) {
      return undefined;
    }
    parts.push(blocks.subarray(from, to));
    at = to;
  }
  return Buffer.concat(parts);
}

/** Rows that one `IDAT` holds: deflate adds a few bytes to rows that do not shrink. */
export function bandRows(width: number): number {
  return Math.floor((LIMITS.idatBytesMax - 1_024) / rowBytes(width));
}
