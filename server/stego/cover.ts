/**
 * Covers as rasters of exactly the shape that a carrier needs. docs/format.md, "Carrier". Decoding costs more than
 * hiding does, and an owner often uses one cover for many photos, so decoded covers are kept for a while.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import pLimit from 'p-limit';
import sharp from 'sharp';
import type { Shape } from '../../core/carrier/layout/shape.js';
import { isRaster } from '../../core/picture-kind.js';
import { Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { STEGO_LIMITS } from './limits.js';

/** RGB, 8 bits a sample, in memory that workers share. */
export interface Raster {
  readonly shape: Shape;
  readonly samples: Uint8Array;
}

interface Decoded {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

export class Covers {
  readonly #inTurn = pLimit(1);
  readonly #decoded = new LRUCache<string, Decoded>({
    maxSize: STEGO_LIMITS.coverCacheBytesMax,
    sizeCalculation: ({ data }) => data.length,
  });

  /**
   * The cover, EXIF orientation applied, transparency laid on white, in sRGB.
   * @param shapeFor the shape for a cover of these proportions, width over height
   * @throws Refused BAD_COVER if it cannot be read as a picture
   */
  async raster(cover: Uint8Array, shapeFor: (proportions: number) => Shape): Promise<Raster> {
    const key = createHash('sha256').update(cover).digest('base64');
    const decoded = this.#decoded.get(key) ?? (await this.#inTurn(() => decode(cover)));
    this.#decoded.set(key, decoded);
    const shape = shapeFor(decoded.width / decoded.height);
    return { shape, samples: await resized(decoded, shape) };
  }
}

async function decode(cover: Uint8Array): Promise<Decoded> {
  if (!isRaster(cover)) throw badCover('it is none of JPEG, PNG, WebP, GIF, TIFF and AVIF');
  try {
    const { data, info } = await sharp(cover, {
      limitInputPixels: STEGO_LIMITS.coverPixelsMax,
      failOn: 'error',
      sequentialRead: true,
    })
      .autoOrient()
      .resize({
        width: STEGO_LIMITS.coverSideMax,
        height: STEGO_LIMITS.coverSideMax,
        fit: 'inside',
        withoutEnlargement: true,
      })
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it decodes to ${info.channels} channels`);
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    // Decoders say more with every line, and the first says what.
    throw badCover(String(cause instanceof Error ? cause.message : cause).split('\n', 1)[0]!);
  }
}

/** Slopes are straight over so many pixels of a cover that is much smaller: nobody can tell them from curves. */
const straightPixels = 8;

async function resized(decoded: Decoded, shape: Shape): Promise<Uint8Array> {
  const coarse = {
    width: Math.ceil(shape.width / straightPixels),
    height: Math.ceil(shape.height / straightPixels),
  };
  // Curves cost twice what straight lines do, and a preview of four pixels has them for a shape of millions.
  const isTiny = decoded.width < coarse.width && decoded.height < coarse.height;
  const { data } = isTiny
    ? await resize(await resize(decoded, coarse, 'cubic'), shape, 'linear')
    : await resize(decoded, shape);
  const shared = new Uint8Array(new SharedArrayBuffer(data.length));
  shared.set(data);
  return shared;
}

async function resize(
  { data, width, height }: Decoded,
  shape: Shape,
  kernel?: 'cubic' | 'linear',
): Promise<Decoded> {
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  return {
    data: await picture
      .resize({ ...shape, fit: 'fill', kernel })
      .raw()
      .toBuffer(),
    ...shape,
  };
}

function badCover(why: string): Refused {
  return new Refused(Reason.BAD_COVER, `the cover cannot be read as a picture: ${why}. Choose another.`);
}
