/**
 * Reads the low bytes of a carrier that another program saved anew, still with 16 bits a sample: libvips decodes
 * it as a whole. docs/format.md, "Reading".
 */
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { LIMITS } from '../limits.js';
import { signature } from './layout/chunks.js';
import { lowBytes, slotRows } from './layout/shape.js';
import type { Shape } from './layout/shape.js';
import { damaged, readShape, reencoded } from './outline.js';
import { piecesOf } from './source.js';
import type { Source } from './source.js';

/** The same parts that a carrier of our layout has. */
export interface Resaved {
  readonly shape: Shape;
  /** Low bytes of the slot rows. */
  readonly slotLow: Uint8Array;
  /** Low bytes of the rows after them. */
  readonly restLow: () => AsyncGenerator<Uint8Array, void, undefined>;
}

const pieceBytes = 1_048_576;

/** libpng writes an IDAT for every 8 KiB, so the largest file has half as many; each costs three reads. */
const chunksMax = 65_536;

/** @throws FormatError (png) if the picture is damaged, or its samples were rounded to 8 bits */
export async function readResaved(source: Source): Promise<Resaved> {
  const shape = await readShape(source);
  await checkChunks(source);
  const low = await decodedLowBytes(source, shape);
  const slotEnd = slotRows(shape.width) * lowBytes(shape.width);
  return {
    shape,
    slotLow: low.subarray(0, slotEnd),
    async *restLow() {
      for (let at = slotEnd; at < low.length; at += pieceBytes) yield low.subarray(at, at + pieceBytes);
    },
  };
}

/** Chunks follow each other to the end, and each has the CRC it says: libvips would not tell of every one. */
async function checkChunks(source: Source): Promise<void> {
  let at = signature.length;
  for (let count = 0; count < chunksMax; count += 1) {
    const start = Buffer.from(await source.read(at, 8));
    const dataEnd = at + 8 + start.readUInt32BE();
    let sum = crc32(start.subarray(4));
    for await (const piece of piecesOf(source, { from: at + 8, to: dataEnd, pieceBytes }))
      sum = crc32(piece, sum);
    if (Buffer.from(await source.read(dataEnd, 4)).readUInt32BE() !== sum) {
      throw damaged('the checksum of a chunk is wrong');
    }
    if (start.toString('latin1', 4) === 'IEND') return;
    at = dataEnd + 4;
  }
  throw damaged('it is cut into too many chunks');
}

async function decodedLowBytes(source: Source, shape: Shape): Promise<Uint8Array> {
  const samples = await decoded(source);
  if (samples.length !== shape.width * shape.height * 3) throw damaged('it decodes to another shape');
  if (lowFollowsHigh(samples)) throw reencoded('its 16 bits a sample were made from 8');
  // Storing a sample as a byte keeps its low one.
  return new Uint8Array(samples);
}

/** However a program makes 16 bits from 8, it makes the same of the same; a payload does not. */
function lowFollowsHigh(samples: Uint16Array): boolean {
  const seen = new Int32Array(256).fill(-1);
  return samples.every((sample) => {
    const before = seen[sample >>> 8]!;
    seen[sample >>> 8] = sample;
    return before === -1 || before === sample;
  });
}

async function decoded(source: Source): Promise<Uint16Array> {
  const bytes = await source.read(0, source.bytes);
  try {
    // No profile is applied and alpha is dropped, not blended: the samples are to stay what they are.
    const { data } = await sharp(bytes, {
      ignoreIcc: true,
      failOn: 'warning',
      limitInputPixels: LIMITS.carrierPixelsMax,
      sequentialRead: true,
    })
      .removeAlpha()
      .toColourspace('rgb16')
      .raw({ depth: 'ushort' })
      .toBuffer({ resolveWithObject: true });
    return new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  } catch (cause) {
    throw damaged('it cannot be decoded', { cause });
  }
}
