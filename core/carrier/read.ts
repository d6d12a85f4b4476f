/**
 * Reads a carrier: its slot at once, its payload as a stream. docs/format.md, "Reading".
 * Every chunk's length and CRC are checked before its data is used. The Adler-32 is not computed: the CRCs cover
 * the same bytes, and what the rights bind is the payload's digest.
 */
import { promisify } from 'node:util';
import { constants, crc32, inflateRaw } from 'node:zlib';
import { FormatError } from '../format-error.js';
import { LIMITS } from '../limits.js';
import { lowBytesOf } from './layout/band.js';
import { chunkFrameBytes, headBytes, slotChunkBytes, tailBytes, unstored } from './layout/chunks.js';
import { capacity, lowBytes, rowBytes, slotRows } from './layout/shape.js';
import type { Shape } from './layout/shape.js';
import { damaged, readOutline } from './outline.js';
import type { Outline } from './outline.js';
import { readResaved } from './resaved.js';
import type { Source } from './source.js';

/** A picture that may hold a payload. */
export interface Carrier {
  readonly shape: Shape;
  /** What the slot holds: a capsule for someone, or noise. */
  readonly slot: Uint8Array;
  /** Another program saved the picture anew: then a slot that does not open may just be damaged. */
  readonly resaved: boolean;
  /**
   * The hidden payload; may be read again.
   * @throws FormatError (payload) if the picture cannot hold so many bytes; (png) if it is damaged
   */
  payload(payloadBytes: number): AsyncGenerator<Uint8Array, void, undefined>;
}

const inflate = promisify(inflateRaw);

/** @throws FormatError (png) if the source is no carrier, any more or at all, or is damaged */
export async function readCarrier(source: Source): Promise<Carrier> {
  const outline = await readOutline(source);
  const resaved = outline === undefined;
  const { shape, slotLow, restLow } = resaved ? await readResaved(source) : streamed(source, outline);
  return {
    shape,
    resaved,
    slot: slotLow.slice(0, LIMITS.slotBytes),
    async *payload(payloadBytes) {
      if (payloadBytes > capacity(shape)) {
        throw new FormatError(
          'payload',
          `a picture of ${shape.width} by ${shape.height} pixels cannot hold ${payloadBytes} bytes: it was cropped or scaled`,
        );
      }
      let left = payloadBytes;
      for await (const low of restLow()) {
        if (left > 0) yield low.subarray(0, left);
        left = Math.max(0, left - low.length);
      }
    },
  };
}

function streamed(source: Source, { shape, slotRows: rows }: Outline) {
  return {
    shape,
    slotLow: lowBytesOf(rows, shape.width)!,
    restLow: () => bandsOf(source, shape),
  };
}

/** Low bytes of all rows after the slot, band by band. */
async function* bandsOf(source: Source, shape: Shape): AsyncGenerator<Uint8Array, void, undefined> {
  let at = headBytes + slotChunkBytes(shape.width);
  let rowsLeft = shape.height - slotRows(shape.width);
  while (rowsLeft > 0) {
    const data = await readData(source, at);
    const rows = await inflated(data, Math.min(rowsLeft * rowBytes(shape.width), LIMITS.idatBytesMax));
    const low = rows.length % rowBytes(shape.width) === 0 ? lowBytesOf(rows, shape.width) : undefined;
    if (low === undefined || low.length === 0)
      throw damaged('an IDAT does not hold rows as they were written');
    yield low;
    at += chunkFrameBytes + data.length;
    rowsLeft -= low.length / lowBytes(shape.width);
  }
  if (at + tailBytes !== source.bytes) throw damaged('there is something after its last row');
}

/** The data of the `IDAT` at a position. */
async function readData(source: Source, position: number): Promise<Uint8Array> {
  const start = Buffer.from(await source.read(position, 8));
  const dataBytes = start.readUInt32BE();
  if (start.toString('latin1', 4) !== 'IDAT' || dataBytes > LIMITS.idatBytesMax) {
    throw damaged('its chunks are not as they were written');
  }
  const chunk = Buffer.from(await source.read(position + 4, dataBytes + 8));
  const end = chunk.length - 4;
  if (chunk.readUInt32BE(end) !== crc32(chunk.subarray(0, end)))
    throw damaged('the checksum of an IDAT is wrong');
  return chunk.subarray(4, end);
}

async function inflated(data: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  // What is only stored is there at once, and is most of the time that zlib would take.
  const plain = unstored(data);
  if (plain && plain.length <= bytesMax) return plain;
  try {
    return await inflate(data, {
      // An IDAT but the last ends without a final block.
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: bytesMax,
      chunkSize: Math.max(64, bytesMax),
    });
  } catch (cause) {
    throw damaged('an IDAT does not inflate', { cause });
  }
}
