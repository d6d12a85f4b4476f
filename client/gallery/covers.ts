/**
 * What a photo is hidden in: everyone who holds the file sees it. Sent to the leader as a small picture without
 * metadata; the leader resizes it smoothly to the size that the payload needs.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { LIMITS } from '../../core/limits.js';
import { isRaster } from '../../core/picture-kind.js';
import { Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { GALLERY_LIMITS } from './limits.js';
import { chanceFrom, oneOf } from './scenes/chance.js';
import type { Chance } from './scenes/chance.js';
import { dunes } from './scenes/dunes.js';
import { dusk } from './scenes/dusk.js';
import { waves } from './scenes/waves.js';

/** What the choices are made from. */
export interface CoverSource {
  /** The photo's thumbnail: `preview` is a blur of it. */
  readonly thumbnail: () => Promise<Uint8Array>;
  /** Drawn covers follow from it: the same seed, the same picture. */
  readonly seed: Uint8Array;
}

const scenes: ReadonlyMap<string, (chance: Chance) => string> = new Map([
  ['dunes', dunes],
  ['dusk', dusk],
  ['waves', waves],
]);

/** Said where a choice is explained or refused. */
export const coverChoices = `preview, drawn, ${[...scenes.keys()].join(', ')}, or the path of a picture`;

/** What is left of a photo in its preview: so many pixels along the longer side. Of 6 a silhouette can be guessed. */
const previewPixels = 4;

/** A picture file for the leader. @throws Refused (BAD_COVER) */
export async function makeCover(choice: string, { thumbnail, seed }: CoverSource): Promise<Uint8Array> {
  if (choice === 'preview') return preview(await thumbnail());
  const chance = chanceFrom(seed);
  const draw = choice === 'drawn' ? oneOf(chance, [dunes, dusk, waves]) : scenes.get(choice);
  return draw ? png(sharp(Buffer.from(draw(chance)))) : own(path.resolve(choice), choice);
}

/** Whether a choice will do for photos to come. @throws Refused (BAD_COVER) */
export async function checkCover(choice: string): Promise<void> {
  if (choice === 'preview' || choice === 'drawn' || scenes.has(choice)) return;
  await own(path.resolve(choice), choice);
}

/** No more than those pixels: the leader's enlarging is smooth, so that there is nothing but slopes between them. */
function preview(thumbnail: Uint8Array): Promise<Uint8Array> {
  const pixels = sharp(thumbnail).resize(previewPixels, previewPixels, { fit: 'inside', kernel: 'mitchell' });
  return png(pixels.removeAlpha());
}

async function png(picture: Sharp): Promise<Uint8Array> {
  return new Uint8Array(await picture.png({ compressionLevel: 9 }).toBuffer());
}

async function own(file: string, choice: string): Promise<Uint8Array> {
  const bytes = await readCover(file, choice);
  if (!isRaster(bytes)) {
    throw badCover(choice, 'is no picture that can be a cover: JPEG, PNG, WebP, AVIF, GIF and TIFF can');
  }
  try {
    const side = GALLERY_LIMITS.coverSideMax;
    const small = sharp(bytes, {
      limitInputPixels: LIMITS.coverPixelsMax,
      failOn: 'error',
      autoOrient: true,
    })
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .flatten({ background: 'white' })
      .timeout({ seconds: GALLERY_LIMITS.decodeSecondsMax })
      .jpeg({ quality: 92, chromaSubsampling: '4:4:4' });
    return new Uint8Array(await small.toBuffer());
  } catch (error) {
    throw badCover(
      choice,
      `cannot be decoded: export it again (${(error as Error).message.split('\n', 1)[0] ?? ''})`,
    );
  }
}

async function readCover(file: string, choice: string): Promise<Buffer> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    throw badCover(choice, `cannot be read (${code ?? 'unknown error'}): choose ${coverChoices}`);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw badCover(choice, `is not a file: choose ${coverChoices}`);
    if (stats.size > LIMITS.coverBytesMax) {
      throw badCover(choice, `has more than ${LIMITS.coverBytesMax} bytes: export it smaller`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function badCover(choice: string, what: string): Refused {
  return new Refused(Reason.BAD_COVER, `The cover ${choice} ${what}`);
}
