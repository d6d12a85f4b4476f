/** Bars side by side, as SVG without anything that a page of Markdown lacks. Pure. */

export interface Bar {
  readonly name: string;
  readonly figure: number;
  readonly text: string;
}

const width = 720;
const left = 180;
const right = 560;
const step = 30;

/** From the top down, each as long as its figure. */
export function bars(title: string, all: readonly Bar[]): string {
  const largest = Math.max(...all.map(({ figure }) => figure), Number.MIN_VALUE);
  const height = 56 + step * all.length;
  const rows = all.flatMap(({ name, figure, text }, index) => {
    const y = 44 + step * index;
    const length = Math.max(1, ((right - left) * figure) / largest);
    return [
      words(left - 10, y + 14, name, 'end'),
      `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="20" fill="#0072b2"/>`,
      words(left + length + 8, y + 14, text, 'start'),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    words(width / 2, 24, title, 'middle', 15),
    ...rows,
    '</svg>\n',
  ].join('\n');
}

function words(x: number, y: number, text: string, anchor: string, size = 12): string {
  const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" font-size="${size}">${safe}</text>`;
}
