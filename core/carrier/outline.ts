/**
 * What a file shows at its two ends: whether it is a PNG that can hold a payload, whether it is of our layout, and
 * then its slot rows and Adler-32. docs/format.md, "Chunks" and "Reading". Costs no more for a hostile file, or a
 * large one, than for any other.
 */
import { crc32 } from 'node:zlib';
import { FormatError } from '../format-error.js';
import { chunkFrameBytes, head, headBytes, rowsOfSlotChunk, signature } from './layout/chunks.js';
import { slotChunkBytes, tail, tailBytes } from './layout/chunks.js';
import { rowBytes, shapeAllowed } from './layout/shape.js';
import type { Shape } from './layout/shape.js';
import type { Source } from './source.js';

/** The two ends of a carrier of our layout. */
export interface Outline {
  readonly shape: Shape;
  /** Rows of the first `IDAT`, with their filter bytes, which all say None. */
  readonly slotRows: Uint8Array;
  /** Adler-32 of all rows, as the file says. */
  readonly adler: number;
}

const headerChunkBytes = chunkFrameBytes + 13;
const rgb = 2;
const rgbWithAlpha = 6;

/**
 * The shape of a PNG that may be a carrier, re-saved or not.
 * @throws FormatError (png) if it cannot be one
 */
export async function readShape(source: Source): Promise<Shape> {
  const start = Buffer.from(
    await source.read(0, Math.min(source.bytes, signature.length + headerChunkBytes)),
  );
  if (!start.subarray(0, signature.length).equals(signature)) throw noPng(start);
  const header = start.subarray(signature.length);
  if (
    header.length < headerChunkBytes ||
    header.readUInt32BE() !== 13 ||
    header.toString('latin1', 4, 8) !== 'IHDR'
  ) {
    throw damaged('it does not begin as a PNG does');
  }
  if (header.readUInt32BE(21) !== crc32(header.subarray(4, 21)))
    throw damaged('the checksum of IHDR is wrong');
  const [depth, colour] = [header[16], header[17]];
  if (depth !== 16) throw reencoded(`it has ${depth!} bits a sample`);
  if (colour !== rgb && colour !== rgbWithAlpha) throw reencoded('it is not in colour any more');
  const shape = { width: header.readUInt32BE(8), height: header.readUInt32BE(12) };
  if (!shapeAllowed(shape)) {
    throw new FormatError('png', `a picture of ${shape.width} by ${shape.height} pixels is no carrier`);
  }
  return shape;
}

/**
 * @returns undefined if another program saved the picture anew
 * @throws FormatError (png) if the file cannot be a carrier, or is of our layout and damaged
 */
export async function readOutline(source: Source): Promise<Outline | undefined> {
  const shape = await readShape(source);
  if (!(await beginsAsOurs(source, shape))) return undefined;
  const rows = rowsOfSlotChunk(await source.read(headBytes, slotChunkBytes(shape.width)));
  if (rows === undefined || !allOfFilterNone(rows, shape.width))
    throw damaged('the first IDAT is not as written');
  const end = Buffer.from(await source.read(source.bytes - tailBytes, tailBytes));
  const adler = end.readUInt32BE(8);
  if (!tail(adler).equals(end)) throw damaged('it does not end as it was written');
  return { shape, slotRows: rows, adler };
}

async function beginsAsOurs(source: Source, shape: Shape): Promise<boolean> {
  const expected = Buffer.concat([head(shape), Buffer.alloc(10)]);
  expected.writeUInt32BE(slotChunkBytes(shape.width) - chunkFrameBytes, headBytes);
  expected.write('IDAT\x78\x01', headBytes + 4, 'latin1');
  return source.bytes > expected.length && expected.equals(await source.read(0, expected.length));
}

function allOfFilterNone(rows: Uint8Array, width: number): boolean {
  for (let at = 0; at < rows.length; at += rowBytes(width)) if (rows[at] !== 0) return false;
  return true;
}

export function damaged(what: string, options?: ErrorOptions): FormatError {
  return new FormatError('png', `the picture is damaged: ${what}; fetch it again`, options);
}

export function reencoded(what: string): FormatError {
  return new FormatError(
    'png',
    `the picture was re-encoded on its way, ${what}: the photo in it is gone, ask its owner to deliver it as a file`,
  );
}

function noPng(start: Buffer): FormatError {
  const jpeg = start.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]));
  const webp = start.toString('latin1', 0, 4) === 'RIFF' && start.toString('latin1', 8, 12) === 'WEBP';
  if (jpeg || webp) return reencoded(`it is a ${jpeg ? 'JPEG' : 'WebP'} now`);
  return new FormatError('png', 'this file is no PNG, so it is no carrier');
}
