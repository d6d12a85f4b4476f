/**
 * A gallery for the bench, the same on every machine with the same sources: the project's photos, and a tenth of 12
 * megapixels, Debian's where they are installed, otherwise enlarged. Each differs from all others by a comment in
 * its JPEG, so that each has an image id of its own and costs what a photo costs.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const samples = '/usr/share/forensics-samples/original-files';
const cameras = [
  'pic1/IMG_20200827_231612.jpg',
  'pic2/IMG_20191224_234846.jpg',
  'pic2/IMG_20200124_231153.jpg',
  'pic2/IMG_20200608_111614.jpg',
].map((name) => path.join(samples, name));
const small = ['acanthus-mollis', 'airplane-from-above', 'allium-oreophilum', 'locomotion-house-cat'];
const smallFolder = fileURLToPath(new URL('../../../test/photos/', import.meta.url));

export interface Photos {
  readonly files: readonly string[];
  readonly large: number;
  /** Where those of 12 megapixels come from. */
  readonly source: string;
}

/** @returns the files, in the order of a listing */
export async function makePhotos(folder: string, count: number): Promise<Photos> {
  await mkdir(folder);
  const smallOnes = await Promise.all(small.map((name) => readFile(`${smallFolder}${name}.jpg`)));
  const found = cameras.filter((file) => existsSync(file));
  const largeOnes =
    found.length > 0
      ? await Promise.all(found.map((file) => readFile(file)))
      : await Promise.all(smallOnes.map(enlarged));
  const files: string[] = [];
  let large = 0;
  for (let index = 0; index < count; index += 1) {
    const isLarge = index % 10 === 5;
    if (isLarge) large += 1;
    const among = isLarge ? largeOnes : smallOnes;
    const file = path.join(folder, `photo-${String(index).padStart(5, '0')}.jpg`);
    await writeFile(file, commented(among[index % among.length]!, `photo ${index}`));
    files.push(file);
  }
  const source = found.length > 0 ? 'Debian’s forensics-samples-files' : 'the project’s, enlarged';
  return { files, large, source };
}

function enlarged(photo: Buffer): Promise<Buffer> {
  return sharp(photo).resize(4_000, 3_000, { fit: 'fill' }).jpeg({ quality: 85 }).toBuffer();
}

/** A comment segment after the start of the image. ITU T.81, B.2.4.5. */
function commented(jpeg: Buffer, text: string): Buffer {
  const comment = Buffer.from(text, 'latin1');
  const header = Buffer.from([0xff, 0xfe, 0, 0]);
  header.writeUInt16BE(comment.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), header, comment, jpeg.subarray(2)]);
}
