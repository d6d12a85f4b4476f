/** What sharp alone needs for the same thumbnails, with all cores: nothing is hashed, kept or sent. */
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import sharp from 'sharp';
import { GALLERY_LIMITS } from '../../client/gallery/limits.js';

const side = GALLERY_LIMITS.thumbnailSideMax;

export async function bareThumbnails(files: readonly string[]): Promise<void> {
  const limit = pLimit(availableParallelism());
  const thumbnail = (file: string) =>
    sharp(file, { autoOrient: true }).resize(side, side, { fit: 'inside' }).webp({ quality: 80 }).toBuffer();
  await Promise.all(files.map((file) => limit(thumbnail, file)));
}
