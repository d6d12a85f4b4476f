/** Looking at pictures, to check what the demo claims of them. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What a viewer with 8 bits a channel shows. */
export async function pixels8(picture: Uint8Array | string): Promise<{ size: string; digest: string }> {
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { size: `${info.width} x ${info.height}`, digest: sha256(data) };
}

/** A PNG with 16 bits a channel, as docs/format.md has it. */
export async function isCarrier(file: string): Promise<boolean> {
  const { format, depth, channels } = await sharp(file).metadata();
  return format === 'png' && depth === 'ushort' && channels === 3;
}

/** A small picture without metadata. */
export async function isBareThumbnail(file: string): Promise<boolean> {
  const { width, height, exif, xmp, iptc } = await sharp(file).metadata();
  return width > 0 && height > 0 && exif === undefined && xmp === undefined && iptc === undefined;
}

const pieceBytes = 24;
const pieces = 64;

/** None of some pieces of `photo`, spread over it, occurs in the file. */
export async function holdsNothingOf(file: string, photo: Buffer): Promise<boolean> {
  const bytes = await readFile(file);
  const stride = Math.max(1, Math.floor((photo.length - pieceBytes) / pieces));
  for (let at = 0; at + pieceBytes <= photo.length; at += stride) {
    const piece = photo.subarray(at, at + pieceBytes);
    // Runs of one byte occur anywhere.
    if (new Set(piece).size > 4 && bytes.includes(piece)) return false;
  }
  return true;
}
