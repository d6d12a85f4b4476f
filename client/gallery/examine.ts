/**
 * Looks at one photo as a whole: is it one, what is it called by its content, how large is it upright, and what
 * does it look like small. Read once, decoded once; what comes out has no metadata.
 */
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { rgbaToThumbHash } from 'thumbhash';
import { kindBytes, kindOf } from '../../core/picture-kind.js';
import type { PhotoType } from '../../core/picture-kind.js';
import { Refused } from '../../core/rpc/errors.js';
import { GALLERY_LIMITS } from './limits.js';
import { ImageIdHash, PhotoFile, badPhoto, changed } from './photo-file.js';
import type { FoundFile } from './scan.js';
import type { Stamp } from './stamp.js';

/** What is known of a photo. */
export interface PhotoFacts {
  readonly imageId: Uint8Array;
  readonly photoBytes: number;
  readonly mediaType: PhotoType;
  /** Upright. */
  readonly width: number;
  readonly height: number;
}

export interface Thumbnail {
  /** WebP, no side longer than `thumbnailSideMax`, without metadata. */
  readonly picture: Uint8Array;
  readonly thumbHash: Uint8Array;
}

export interface Examined {
  readonly facts: PhotoFacts;
  readonly thumbnail: Thumbnail;
}

/** With a stamp: only if the file still bears it. */
type FileToExamine = Pick<FoundFile, 'path' | 'name'> & { readonly stamp?: Stamp };

const quality = 80;
const thumbHashSideMax = 64;

/** @throws Refused (BAD_PHOTO) if the file is no photo that can be shared */
export async function examine(file: FileToExamine, imageKey: Uint8Array): Promise<Examined> {
  const photo = await PhotoFile.open(file.path, file.name);
  try {
    if (file.stamp && file.stamp.text !== photo.stamp.text) throw changed(file.name);
    const { bytes, imageId } = await readWhole(photo, imageKey);
    return await decode(bytes, imageId, file.name);
  } finally {
    await photo.close();
  }
}

async function readWhole(
  photo: PhotoFile,
  imageKey: Uint8Array,
): Promise<{ bytes: Buffer; imageId: Uint8Array }> {
  const bytes = Buffer.allocUnsafe(photo.stamp.bytes);
  const hash = new ImageIdHash(imageKey);
  for await (const chunk of photo.chunks(bytes)) hash.update(chunk);
  return { bytes, imageId: hash.imageId() };
}

async function decode(bytes: Buffer, imageId: Uint8Array, name: string): Promise<Examined> {
  const mediaType = typeOf(bytes, name);
  try {
    const { width, height } = (await opened(bytes).metadata()).autoOrient;
    if (width * height > GALLERY_LIMITS.photoPixelsMax) throw tooManyPixels(name);
    const thumbnail = await thumbnailOf(bytes);
    return { facts: { imageId, photoBytes: bytes.length, mediaType, width, height }, thumbnail };
  } catch (error) {
    if (error instanceof Refused) throw error;
    if (/pixel limit/i.test((error as Error).message)) throw tooManyPixels(name);
    throw badPhoto(
      name,
      `cannot be decoded; it may be truncated or damaged: export it again (${firstLine(error)})`,
    );
  }
}

/** @throws Refused (BAD_PHOTO) */
export function typeOf(bytes: Uint8Array, name: string): PhotoType {
  const kind = kindOf(bytes.subarray(0, kindBytes));
  switch (kind) {
    case 'heif':
      throw badPhoto(
        name,
        'is HEIC, which cannot be shared: convert it to JPEG (heif-convert, sips, or your photo program)',
      );
    case 'svg':
      throw badPhoto(name, 'is SVG, which is no photo: export it as PNG');
    case undefined:
      throw badPhoto(name, 'is not a picture: JPEG, PNG, WebP, AVIF, GIF and TIFF can be shared');
    default:
      return kind;
  }
}

/** Errors are fatal, warnings are not: cameras write much that decoders frown upon. */
function opened(bytes: Uint8Array): Sharp {
  return sharp(bytes, { limitInputPixels: GALLERY_LIMITS.photoPixelsMax, failOn: 'error', autoOrient: true });
}

async function thumbnailOf(bytes: Uint8Array): Promise<Thumbnail> {
  const side = GALLERY_LIMITS.thumbnailSideMax;
  const { data, info } = await opened(bytes)
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .timeout({ seconds: GALLERY_LIMITS.decodeSecondsMax })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const small = () =>
    sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
  const picture = await small().webp({ quality }).toBuffer();
  return { picture: new Uint8Array(picture), thumbHash: await thumbHashOf(small()) };
}

async function thumbHashOf(small: Sharp): Promise<Uint8Array> {
  const { data, info } = await small
    .resize(thumbHashSideMax, thumbHashSideMax, { fit: 'inside', withoutEnlargement: true })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return rgbaToThumbHash(info.width, info.height, data);
}

function tooManyPixels(name: string): Refused {
  const megapixels = Math.floor(GALLERY_LIMITS.photoPixelsMax / 1e6);
  return badPhoto(name, `declares more than ${megapixels} megapixels: export it smaller`);
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
}
