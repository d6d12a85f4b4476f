/**
 * Pixels as text: a cell of a terminal is about twice as high as wide, so an upper half block in one colour on a
 * ground of another is two square pixels. 24-bit colours (ISO 8613-6, SGR 38;2 and 48;2).
 */

/** Rows of RGB pixels, eight bits each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

const escape = String.fromCharCode(27);
const reset = `${escape}[0m`;

/** A line for every two rows of pixels; an odd last row is drawn on the terminal's own ground. */
export function halfBlockLines({ width, height, rgb }: Pixels): string[] {
  const colour = (x: number, y: number) => {
    const at = 3 * (y * width + x);
    return `${rgb[at]!};${rgb[at + 1]!};${rgb[at + 2]!}`;
  };
  const line = (top: number) => {
    let text = '';
    let painted = '';
    for (let x = 0; x < width; x += 1) {
      const ground = top + 1 < height ? `;48;2;${colour(x, top + 1)}` : '';
      const paint = `${escape}[38;2;${colour(x, top)}${ground}m`;
      text += paint === painted ? '▀' : `${paint}▀`;
      painted = paint;
    }
    return text + reset;
  };
  return Array.from({ length: Math.ceil(height / 2) }, (_, row) => line(2 * row));
}

/** Drawings side by side, wrapped into rows that fit; each is `cell` columns wide with its caption below. */
export function gridLines(
  cells: readonly { readonly lines: readonly string[]; readonly width: number; readonly caption: string }[],
  cell: number,
  columns: number,
): string[] {
  const gap = 2;
  const across = Math.max(1, Math.floor((columns + gap) / (cell + gap)));
  const rows: string[] = [];
  for (let from = 0; from < cells.length; from += across) {
    const some = cells.slice(from, from + across);
    const height = Math.max(...some.map(({ lines }) => lines.length));
    for (let at = 0; at < height; at += 1) {
      rows.push(
        some
          .map(({ lines, width }) => {
            const line = lines[at];
            return line === undefined ? ' '.repeat(cell) : line + ' '.repeat(cell - width);
          })
          .join(' '.repeat(gap)),
      );
    }
    rows.push(some.map(({ caption }) => caption.slice(0, cell).padEnd(cell)).join(' '.repeat(gap)), '');
  }
  return rows;
}
