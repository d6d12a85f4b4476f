/**
 * Photos of a given size and shape, made from those of the tests, the same each time. No request is served from what
 * an earlier one left: a client hides a photo once for all its viewers, and knows a photo by its bytes, so every
 * request gets a file of its own, the same picture with another number in a JPEG comment (ITU-T T.81, B.2.4.5).
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';

export interface PhotoSize {
  readonly name: string;
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
}

/** The original's two files, and what a camera of 12 megapixels writes. */
export const photoSizes: readonly PhotoSize[] = [
  { name: '177 KB', bytes: 177_000, width: 1024, height: 768 },
  { name: '343 KB', bytes: 343_000, width: 1024, height: 768 },
  { name: '4 MB', bytes: 4_000_000, width: 4000, height: 3000 },
];

const source = 'test/photos/landscapes/nagasaki-boats.jpg';

/** A JPEG of that shape, of the best quality that leaves room for its comment within that many bytes. */
export async function picture({ bytes, width, height }: PhotoSize): Promise<Buffer> {
  const raster = await sharp(source).resize({ width, height, fit: 'fill' }).raw().toBuffer();
  const encoded = (quality: number): Promise<Buffer> =>
    sharp(raster, { raw: { width, height, channels: 3 } })
      .jpeg({ quality })
      .toBuffer();
  let [low, high] = [1, 100];
  while (low < high) {
    const quality = Math.ceil((low + high) / 2);
    if ((await encoded(quality)).length + smallest <= bytes) low = quality;
    else high = quality - 1;
  }
  return encoded(low);
}

const smallest = 32;
const segmentMax = 65_535 + 2;

/** The same picture in a file of exactly `bytes`, told from others by its number. */
export function numbered(jpeg: Buffer, bytes: number, number: number): Buffer {
  const parts = [jpeg.subarray(0, 2)];
  for (let left = bytes - jpeg.length; left > 0;) {
    // What is left after this segment must hold a segment too.
    const length = left <= segmentMax ? left : Math.min(segmentMax, left - smallest);
    parts.push(comment(length, number));
    left -= length;
  }
  return Buffer.concat([...parts, jpeg.subarray(2)]);
}

function comment(length: number, number: number): Buffer {
  const segment = Buffer.alloc(length, ' ');
  segment.writeUInt16BE(0xfffe, 0);
  segment.writeUInt16BE(length - 2, 2);
  segment.write(`photo ${number}`, 4);
  return segment;
}

/** Fills a folder with photos that nobody has seen before, and no others; returns their names. */
export async function fillGallery(
  folder: string,
  jpeg: Buffer,
  { bytes }: PhotoSize,
  numbers: readonly number[],
): Promise<string[]> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const names = numbers.map((number) => `${number}.jpg`);
  for (const [index, name] of names.entries()) {
    await writeFile(path.join(folder, name), numbered(jpeg, bytes, numbers[index]!));
  }
  return names;
}
