/** Pictures of other people's that a decoder is given: covers at servers, thumbnails and views in a terminal. */
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { drawPicture } from '../../client/web/terminal.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { Refused } from '../../core/rpc/errors.js';
import { Random } from '../../server/election/simulator/random.js';
import { Covers } from '../../server/stego/cover.js';
import { STEGO_LIMITS } from '../../server/stego/limits.js';
import { mutated } from './mutate.js';
import type { Target } from './target.js';

const side = 24;

/** Of noise, so that decoders have something to do. */
function noise(channels: 3 | 4): Sharp {
  const random = new Random(5);
  const data = Uint8Array.from({ length: side * side * channels }, () => random.integer(0, 255));
  return sharp(data, { raw: { width: side, height: side, channels } });
}

/** A small picture of every format and kind of coding that is let through to a decoder. */
export const pictures: readonly Uint8Array[] = await Promise.all([
  noise(3).jpeg().toBuffer(),
  noise(3)
    .jpeg({ progressive: true, chromaSubsampling: '4:4:4' })
    .withMetadata({ orientation: 6 })
    .toBuffer(),
  noise(4).png().toBuffer(),
  noise(3).png({ palette: true, progressive: true }).toBuffer(),
  noise(3).toColourspace('rgb16').png().toBuffer(),
  noise(4).webp().toBuffer(),
  noise(4).webp({ lossless: true }).toBuffer(),
  noise(3).gif().toBuffer(),
  noise(3).tiff({ compression: 'lzw', predictor: 'horizontal' }).toBuffer(),
  noise(3).tiff({ compression: 'deflate', tile: true, pyramid: true }).toBuffer(),
  noise(3).avif({ effort: 0 }).toBuffer(),
]);

/** Decoders of sharp take milliseconds and threads of their own. */
const slow = { share: 10, msMax: 30_000 } as const;

/** What a decoded cover holds at once: six bytes a pixel where it comes in no strips, and its copies. */
const coverBytes = 3 * 6 * STEGO_LIMITS.coverPixelsMax;

export const pictureTargets: readonly Target[] = [
  {
    name: 'cover',
    make: (random) => mutated(pictures, random),
    // Each has covers of its own: what was decoded before is not kept for the next.
    read: (input) => new Covers().raster(input, () => ({ width: 32, height: 20 })),
    refuses: (error) => error instanceof Refused && error.reason === Reason.BAD_COVER,
    bytesMax: coverBytes,
    ...slow,
  },
  {
    name: 'drawn picture',
    make: (random) => mutated(pictures, random),
    read: (input) => drawPicture(input, { columns: 24, rows: 9 }),
    refuses: () => false,
    bytesMax: coverBytes,
    ...slow,
  },
];
