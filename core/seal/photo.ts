/**
 * The owner's lock: a photo and its header, sealed under a file key. docs/format.md, "Photo, payload".
 * The photo streams through; it is never held as a whole.
 */
import { toBinary } from '@bufbuild/protobuf';
import type { PhotoHeader } from '../../gen/glimpse/v1/rights_pb.js';
import { PhotoHeaderSchema } from '../../gen/glimpse/v1/rights_pb.js';
import { FormatError } from '../format-error.js';
import { LIMITS } from '../limits.js';
import { readMessage } from '../message.js';
import { photoKey } from './keys.js';
import { open, seal, sealedBytes } from './seal.js';

const lengthBytes = 2;
const format = 1;

/** A photo that is being opened. */
export interface OpenedPhoto {
  readonly header: PhotoHeader;
  /** The photo file. To be read to its end, once: only there is it certain that nothing is missing. */
  readonly bytes: AsyncGenerator<Uint8Array, void, undefined>;
}

/** Length of the sealed payload of a photo with this header: known before the photo is read. */
export function sealedPhotoBytes(header: PhotoHeader): number {
  return sealedBytes(lengthBytes + toBinary(PhotoHeaderSchema, header).length + header.photoBytes);
}

/**
 * The sealed payload, chunk by chunk.
 * @throws FormatError (photo) if the header is not valid, or the photo is not as long as its header says
 */
export function sealPhoto(
  fileKey: Uint8Array,
  header: PhotoHeader,
  photo: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoded = toBinary(PhotoHeaderSchema, header);
  checked(encoded);
  return seal(photoKey(fileKey), framed(encoded, exactly(header.photoBytes, photo)));
}

/**
 * Opens a sealed payload as far as its header.
 * @throws FormatError (owner-lock, photo), here or while the bytes are read
 */
export async function openPhoto(
  fileKey: Uint8Array,
  imageId: Uint8Array,
  sealedPayload: AsyncIterable<Uint8Array>,
): Promise<OpenedPhoto> {
  const plaintext = open(photoKey(fileKey), sealedPayload, 'owner-lock');
  // The first segment is longer than any header; only a photo that is shorter yet ends within it.
  const first = await plaintext.next();
  const start = Buffer.from(first.done === true ? [] : first.value);
  const end = start.length < lengthBytes ? Infinity : lengthBytes + start.readUInt16BE();
  if (end > start.length) throw new FormatError('photo', 'the photo ends within its header: it is damaged');
  const header = checked(start.subarray(lengthBytes, end));
  if (Buffer.compare(header.imageId, imageId) !== 0) {
    throw new FormatError('photo', 'this is another photo than the rights are for; ask its owner again');
  }
  return { header, bytes: exactly(header.photoBytes, continued(start.subarray(end), plaintext)) };
}

function checked(encoded: Uint8Array): PhotoHeader {
  const header = readMessage(PhotoHeaderSchema, encoded, { layer: 'photo', bytesMax: LIMITS.headerBytesMax });
  if (header.format !== format) {
    throw new FormatError('photo', `photo of format ${header.format}: update glimpse to open it`);
  }
  if (header.photoBytes > LIMITS.photoBytesMax) {
    throw new FormatError(
      'photo',
      `photo of ${header.photoBytes} bytes; at most ${LIMITS.photoBytesMax} are allowed`,
    );
  }
  return header;
}

async function* framed(
  encoded: Uint8Array,
  photo: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt16BE(encoded.length);
  yield length;
  yield encoded;
  yield* photo;
}

async function* continued(start: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield start;
  yield* rest;
}

async function* exactly(
  bytes: number,
  photo: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = bytes;
  for await (const chunk of photo) {
    left -= chunk.length;
    if (left < 0) throw new FormatError('photo', `the photo is longer than the ${bytes} bytes it announced`);
    if (chunk.length > 0) yield chunk;
  }
  if (left > 0) throw new FormatError('photo', `the photo is ${left} bytes shorter than it announced`);
}
