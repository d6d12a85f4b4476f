/**
 * Pictures in a terminal. The pixels come from sharp, scaled to the columns there are; the picture may come from
 * another person's computer, so its size is bounded before it is decoded and only formats of photographs are read.
 */
import { isRaster } from '../../core/picture-kind.js';
import { WEB_LIMITS } from './limits.js';
import type { Pixels } from './rules/half-blocks.js';
import { gridLines, halfBlockLines } from './rules/half-blocks.js';

export interface Room {
  /** Columns of the terminal. */
  readonly columns: number;
  /** Lines that a picture may take. */
  readonly rows: number;
}

/** The picture as text; undefined if it cannot be drawn. */
export async function drawPicture(bytes: Uint8Array, room: Room): Promise<string | undefined> {
  const pixels = await pixelsOf(bytes, bounded(room));
  return pixels && halfBlockLines(pixels).join('\n');
}

export interface Thumbnail {
  readonly bytes: Uint8Array;
  readonly caption: string;
}

const cellColumns = 24;
const cellRows = 9;

/** Thumbnails in a grid; those that cannot be drawn are left out. */
export async function drawGrid(thumbnails: readonly Thumbnail[], { columns }: Room): Promise<string> {
  const drawn = await Promise.all(
    thumbnails.map(async ({ bytes, caption }) => {
      const pixels = await pixelsOf(bytes, { columns: cellColumns, rows: cellRows });
      return pixels ? [{ lines: halfBlockLines(pixels), width: pixels.width, caption }] : [];
    }),
  );
  return gridLines(drawn.flat(), cellColumns, columns).join('\n');
}

function bounded({ columns, rows }: Room): Room {
  return { columns: Math.min(columns, WEB_LIMITS.columnsMax), rows: Math.min(rows, WEB_LIMITS.columnsMax) };
}

/** sharp is loaded at the first picture only: commands that draw nothing start sooner. */
async function pixelsOf(bytes: Uint8Array, { columns, rows }: Room): Promise<Pixels | undefined> {
  // Before any decoder looks at it: sharp would have a vector format's parser read it to tell what it is.
  if (!isRaster(bytes)) return undefined;
  const { default: sharp } = await import('sharp');
  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: WEB_LIMITS.drawnPixelsMax })
      .rotate()
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .resize({ width: columns, height: 2 * rows, fit: 'inside', withoutEnlargement: true })
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return info.channels === 3 ? { width: info.width, height: info.height, rgb: data } : undefined;
  } catch {
    return undefined;
  }
}
