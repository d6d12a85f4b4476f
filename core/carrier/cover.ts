/** The cover of a carrier, as anybody sees it. docs/format.md, "Carrier". */
import sharp from 'sharp';
import { LIMITS } from '../limits.js';
import { damaged, readShape } from './outline.js';
import type { Source } from './source.js';

/**
 * The cover as a PNG of 8 bits a sample: the high byte of each sample, whatever the low bytes hold.
 * @throws FormatError (png) if the source is no carrier, or cannot be decoded
 */
export async function coverOf(source: Source): Promise<Uint8Array> {
  await readShape(source);
  const bytes = await source.read(0, source.bytes);
  try {
    return await sharp(bytes, {
      ignoreIcc: true,
      limitInputPixels: LIMITS.carrierPixelsMax,
      sequentialRead: true,
    })
      .removeAlpha()
      .toColourspace('srgb')
      .png()
      .toBuffer();
  } catch (cause) {
    throw damaged('it cannot be decoded', { cause });
  }
}
