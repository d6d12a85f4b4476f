/** What a picture's file is, from its first bytes: a decoder is given only what this file lets through. */

/** Raster formats, by their media type. */
export type PhotoType = 'image/jpeg' | 'image/png' | 'image/webp' | 'image/avif' | 'image/gif' | 'image/tiff';
/** `heif`: HEIC, which no decoder here reads; `svg`: a program rather than a picture. */
export type Kind = PhotoType | 'heif' | 'svg';

/** So many bytes tell the kind. */
export const kindBytes = 256;

const avifBrands = new Set(['avif', 'avis']);
const heifBrands = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1']);

/** The kind that the first bytes of a file announce; undefined: no picture that is known here. */
export function kindOf(head: Uint8Array): Kind | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const text = (from: number, to: number) => bytes.toString('latin1', from, to);
  if (text(0, 3) === '\xff\xd8\xff') return 'image/jpeg';
  if (text(0, 8) === '\x89PNG\r\n\x1a\n') return 'image/png';
  if (/^GIF8[79]a/.test(text(0, 6))) return 'image/gif';
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') return 'image/webp';
  if (/^(?:II[*+]\0|MM\0[*+])/.test(text(0, 4))) return 'image/tiff';
  if (text(4, 8) === 'ftyp') return isoKind(bytes);
  if (
    /^(?:\uFEFF|\s)*<(?:\?xml|!--|!doctype\s+svg|svg)/i.test(bytes.toString('utf8')) ||
    text(0, 2) === '\x1f\x8b'
  ) {
    return 'svg';
  }
  return undefined;
}

/** ISO 14496-12, "File Type Box": a major brand, a version, then compatible brands. */
function isoKind(bytes: Buffer): Kind | undefined {
  const end = Math.min(bytes.length, bytes.length < 4 ? 0 : bytes.readUInt32BE(0));
  const brands: string[] = [];
  for (let at = 8; at + 4 <= end; at += at === 8 ? 8 : 4) brands.push(bytes.toString('latin1', at, at + 4));
  if (brands.some((brand) => avifBrands.has(brand))) return 'image/avif';
  return brands.some((brand) => heifBrands.has(brand)) ? 'heif' : undefined;
}

/** Whether the first bytes are those of a format that a decoder is given. */
export function isRaster(bytes: Uint8Array): boolean {
  const kind = kindOf(bytes.subarray(0, kindBytes));
  return kind !== undefined && kind !== 'heif' && kind !== 'svg';
}
