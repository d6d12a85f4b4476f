/**
 * Hiding and revealing as a server and a viewer do them, on one thread and without a network: the cloud's lock, its
 * digest, and the rows of the picture. The cover is a raster already, as a server keeps it.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { makeCover } from '../../client/gallery/covers.js';
import { makeBand } from '../../core/carrier/layout/band.js';
import type { Compression } from '../../core/carrier/layout/band.js';
import { shapeFor } from '../../core/carrier/layout/shape.js';
import { readCarrier } from '../../core/carrier/read.js';
import { bytesSource } from '../../core/carrier/source.js';
import { writeCarrier } from '../../core/carrier/write.js';
import { LIMITS } from '../../core/limits.js';
import { open, seal, sealedBytes } from '../../core/seal/seal.js';
import { Covers } from '../../server/stego/cover.js';
import type { Raster } from '../../server/stego/cover.js';

/** What is hidden, and in what. */
export interface Subject {
  /** As an owner sends it: bytes without any pattern. */
  readonly payload: Uint8Array;
  /** A picture file, as an owner sends it. */
  readonly coverFile: Uint8Array;
  /** The cover in the shape that the payload needs. */
  readonly raster: Raster;
}

const key = Buffer.alloc(32, 1);
const noise = bytesWithoutPattern(LIMITS.slotBytes + 3 * LIMITS.carrierSideMax * 2);
const photos = fileURLToPath(new URL('../../../test/photos/', import.meta.url));

/** The cover is the default one: a blur of a photo. */
export async function subjectOf(payloadBytes: number): Promise<Subject> {
  const photo = await readFile(`${photos}airplane-from-above.jpg`);
  const coverFile = await makeCover('preview', {
    thumbnail: () => sharp(photo).resize(256, 256, { fit: 'inside' }).webp().toBuffer(),
    seed: photo,
  });
  const raster = await new Covers().raster(coverFile, (proportions) =>
    shapeFor(sealedBytes(payloadBytes), proportions),
  );
  return { payload: bytesWithoutPattern(payloadBytes), coverFile, raster };
}

/** The same bytes for the same length. */
export function bytesWithoutPattern(length: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, 2), Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** The carrier's file, in the pieces in which it is written. */
export async function hidden(
  { payload, raster }: Subject,
  compression: Compression,
): Promise<readonly Uint8Array[]> {
  const digest = createHash('sha256');
  const carrier = writeCarrier({
    shape: raster.shape,
    cover: raster.samples,
    slot: noise.subarray(0, LIMITS.slotBytes),
    payload: digested(seal(key, pieces(payload)), digest),
    payloadBytes: sealedBytes(payload.length),
    compression,
    noise: (bytes) => noise.subarray(0, bytes),
    makeBand: (task) => Promise.resolve(makeBand(task)),
    bandsAhead: 1,
  });
  const written: Uint8Array[] = [];
  for await (const piece of carrier) written.push(piece);
  digest.digest();
  return written;
}

/** The payload again, segment by segment. */
export async function revealed(carrier: Uint8Array, payloadBytes: number): Promise<readonly Uint8Array[]> {
  const digest = createHash('sha256');
  const read = await readCarrier(bytesSource(carrier));
  const segments: Uint8Array[] = [];
  for await (const segment of open(
    key,
    digested(read.payload(sealedBytes(payloadBytes)), digest),
    'cloud-lock',
  )) {
    segments.push(segment);
  }
  digest.digest();
  return segments;
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += LIMITS.segmentBytes) {
    yield bytes.subarray(at, at + LIMITS.segmentBytes);
  }
}

async function* digested(
  stream: AsyncIterable<Uint8Array>,
  digest: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    digest.update(chunk);
    yield chunk;
  }
}
