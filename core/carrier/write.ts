/**
 * Writes a carrier, piece by piece, while its payload arrives. docs/format.md, "Carrier".
 * Bands are made wherever `makeBand` makes them; nothing is drawn here, noise is an argument.
 */
import { LIMITS } from '../limits.js';
import { cut } from '../seal/cut.js';
import { adler32, adlerOfBoth } from './layout/adler.js';
import { plainRows } from './layout/band.js';
import type { Band, BandTask, Compression } from './layout/band.js';
import { bandRows, head, slotChunk, tail } from './layout/chunks.js';
import { capacity, lowBytes, slotRows } from './layout/shape.js';
import type { Shape } from './layout/shape.js';

/** What a carrier is made of. */
export interface Writing {
  readonly shape: Shape;
  /** The cover, resized to the shape: RGB, 8 bits a sample. */
  readonly cover: Uint8Array;
  /** What the capsule slot holds: `LIMITS.slotBytes`. */
  readonly slot: Uint8Array;
  readonly payload: AsyncIterable<Uint8Array>;
  readonly payloadBytes: number;
  readonly compression: Compression;
  /** So many bytes that nobody can tell from the payload. */
  readonly noise: (bytes: number) => Uint8Array;
  readonly makeBand: (task: BandTask) => Promise<Band>;
  /** Bands in the making at once: each holds about two megabytes. */
  readonly bandsAhead: number;
}

/**
 * The carrier's file. Reads no more of the payload than is asked for, and `bandsAhead` bands.
 * @throws Error if the payload is not as long as said; whatever the payload or `makeBand` throws
 */
export async function* writeCarrier(writing: Writing): AsyncGenerator<Uint8Array, void, undefined> {
  const { shape, cover, slot, noise, bandsAhead } = writing;
  assertFits(writing);
  yield head(shape);

  const slotSamples = slotRows(shape.width) * lowBytes(shape.width);
  const slotLow = Buffer.concat([slot, noise(slotSamples - slot.length)]);
  const rows = plainRows({ cover: cover.subarray(0, slotSamples), low: slotLow, width: shape.width });
  yield slotChunk(rows);

  let adler = adler32(rows);
  for await (const band of inOrder(tasks(writing, slotSamples), bandsAhead, writing.makeBand)) {
    adler = adlerOfBoth(adler, band.adler, band.rowsBytes);
    yield band.chunk;
  }
  yield tail(adler);
}

function assertFits({ shape, cover, slot, payloadBytes }: Writing): void {
  if (cover.length !== lowBytes(shape.width) * shape.height) throw new Error('the cover is of another shape');
  if (slot.length !== LIMITS.slotBytes) throw new Error(`a slot has ${LIMITS.slotBytes} bytes`);
  if (payloadBytes > capacity(shape)) throw new Error('the payload does not fit this shape');
}

async function* tasks(writing: Writing, slotSamples: number): AsyncGenerator<BandTask, void, undefined> {
  const { shape, cover, compression } = writing;
  const { width } = shape;
  let at = slotSamples;
  for await (const { bytes: low, last } of cut(filled(writing), bandRows(width) * lowBytes(width))) {
    const from = at;
    at += low.length;
    // Whoever makes the band may take its low bytes away: they have no length after this.
    yield { cover: cover.subarray(from, at), low, width, compression, last };
  }
}

/** The payload, and noise up to the end of the picture. */
async function* filled(writing: Writing): AsyncGenerator<Uint8Array, void, undefined> {
  const { payload, payloadBytes, shape, noise } = writing;
  let left = payloadBytes;
  for await (const chunk of payload) {
    left -= chunk.length;
    if (left < 0) break;
    yield chunk;
  }
  if (left !== 0) throw new Error('the payload is not as long as said');
  yield noise(capacity(shape) - payloadBytes);
}

/** Works on several at once, and gives their results in their order. */
async function* inOrder<Task, Result>(
  source: AsyncIterable<Task>,
  ahead: number,
  work: (task: Task) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const underWay: Promise<Result>[] = [];
  for await (const task of source) {
    const result = work(task);
    // It is awaited below, unless an earlier one fails or nobody asks any more.
    result.catch(() => undefined);
    underWay.push(result);
    if (underWay.length >= ahead) yield await underWay.shift()!;
  }
  for (const result of underWay) yield await result;
}
