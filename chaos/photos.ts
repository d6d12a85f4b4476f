/** Galleries of photos that differ in every pixel, so that a photo in another's place is seen. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';

/** Most are small, for many of them to be hidden; every tenth is a second's work, to be interrupted in. */
const widths = { small: 64, large: 800 } as const;

/** @returns by name: the digest of the file */
export async function drawGallery(
  folder: string,
  owner: string,
  count: number,
): Promise<ReadonlyMap<string, string>> {
  await mkdir(folder, { recursive: true });
  const digests = new Map<string, string>();
  for (let number = 0; number < count; number += 1) {
    const width = number % 10 === 9 ? widths.large : widths.small;
    const raw = { width, height: width, channels: 3 } as const;
    const photo = await sharp(randomBytes(3 * width * width), { raw })
      .jpeg()
      .toBuffer();
    const name = `${owner}-${String(number).padStart(4, '0')}.jpg`;
    await writeFile(path.join(folder, name), photo);
    digests.set(name, createHash('sha256').update(photo).digest('hex'));
  }
  return digests;
}
