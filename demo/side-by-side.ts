/** The picture of the README, from a real run: npm run demo -- --picture docs/pictures/a-glimpse.png */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';

export interface Panel {
  readonly file: string;
  readonly caption: string;
}

const panelWidth = 300;
const captionHeight = 34;
const gap = 16;

/** Writes the panels into one PNG, each with its caption below. */
export async function sideBySide(panels: readonly Panel[], target: string): Promise<void> {
  const drawn = await Promise.all(panels.map(async ({ file }) => scaled(await readFile(file))));
  const height = Math.max(...drawn.map((panel) => panel.height));
  const left = (at: number) => gap + at * (panelWidth + gap);
  const captions = panels.map(
    ({ caption }, at) =>
      `<text x="${left(at) + panelWidth / 2}" y="${gap + height + 23}" text-anchor="middle">${caption}</text>`,
  );
  const width = left(panels.length);
  const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height + gap + captionHeight}"
    font-family="DejaVu Sans, sans-serif" font-size="14" fill="#333">${captions.join('')}</svg>`;
  await sharp({
    create: { width, height: height + gap + captionHeight, channels: 3, background: 'white' },
  })
    .composite([
      ...drawn.map(({ png, height: own }, at) => ({
        input: png,
        left: left(at),
        top: gap + Math.floor((height - own) / 2),
      })),
      { input: Buffer.from(text), left: 0, top: 0 },
    ])
    .png({ palette: true, colours: 128, effort: 10 })
    .toFile(target);
}

async function scaled(bytes: Buffer): Promise<{ png: Buffer; height: number }> {
  const { data, info } = await sharp(bytes)
    .rotate()
    .toColourspace('srgb')
    .resize({ width: panelWidth })
    .png()
    .toBuffer({ resolveWithObject: true });
  return { png: data, height: info.height };
}
