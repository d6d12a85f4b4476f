/**
 * Public tools that hide a file in a picture, as processes. Each gets a cover cut to what it needs; none of them
 * seals, counts or elects. Covers are made before the clock runs.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';

/** A tool that is installed, ready to hide the payload. */
export interface Tool {
  readonly name: string;
  /** Hides it once, in a file. @throws Error if it fails or takes longer than it may */
  hide(): Promise<void>;
  /** Length of the file that it made. */
  pictureBytes(): Promise<number>;
}

interface Recipe {
  readonly name: string;
  readonly where: string;
  readonly coverType: 'png' | 'bmp';
  /** Pixels of the cover for so many bytes of payload. */
  pixels(payloadBytes: number): number;
  words(files: { readonly cover: string; readonly payload: string; readonly picture: string }): string[];
}

const run = promisify(execFile);

const recipes: readonly Recipe[] = [
  {
    name: 'stegify',
    where: 'github.com/DimitarPetrov/stegify',
    coverType: 'png',
    // Two bits a sample, and a header.
    pixels: (bytes) => Math.ceil((bytes * 8) / 6) + 200,
    words: ({ cover, payload, picture }) => [
      ...['encode', '--carrier', cover, '--data', payload, '--result', picture],
    ],
  },
  {
    name: 'stepic',
    where: 'Debian’s stepic',
    coverType: 'png',
    // One bit a sample, and each byte takes three pixels.
    pixels: (bytes) => 3 * bytes + 8,
    words: ({ cover, payload, picture }) => [
      ...['--encode', `--image-in=${cover}`, `--data-in=${payload}`, `--out=${picture}`],
    ],
  },
  {
    name: 'steghide',
    where: 'Debian’s steghide',
    coverType: 'bmp',
    // One bit a pair of pixels, and room for its graph.
    pixels: (bytes) => bytes * 8 * 2,
    words: ({ cover, payload, picture }) => [
      ...['embed', '-q', '-f', '-Z', '-p', 'bench', '-cf', cover, '-ef', payload, '-sf', picture],
    ],
  },
];

/** Those that are in `folders`; the names of the others are told with where they are to be had. */
export async function toolsIn(
  folders: readonly string[],
  payload: Uint8Array,
  { workFolder, toolMs }: { readonly workFolder: string; readonly toolMs: number },
  missing: (text: string) => void,
): Promise<readonly Tool[]> {
  const payloadFile = path.join(workFolder, 'payload');
  await writeFile(payloadFile, payload);
  const tools: Tool[] = [];
  for (const recipe of recipes) {
    const program = folders.map((folder) => path.join(folder, recipe.name)).find((file) => existsSync(file));
    if (program === undefined) {
      missing(`SKIPPED: ${recipe.name} is not installed. To compare with it: ${recipe.where}, or --tools.`);
      continue;
    }
    const cover = path.join(workFolder, `${recipe.name}-cover.${recipe.coverType}`);
    await writeFile(cover, await coverOf(recipe.coverType, recipe.pixels(payload.length)));
    const picture = path.join(workFolder, `${recipe.name}-picture.${recipe.coverType}`);
    const words = recipe.words({ cover, payload: payloadFile, picture });
    tools.push({
      name: recipe.name,
      hide: async () => {
        await run(program, words, { timeout: toolMs, maxBuffer: 2 ** 20 });
      },
      pictureBytes: async () => (await stat(picture)).size,
    });
  }
  return tools;
}

/** A picture with some life in it, of at least so many pixels. */
async function coverOf(type: 'png' | 'bmp', pixels: number): Promise<Buffer> {
  const width = Math.ceil(Math.sqrt(pixels / 12)) * 4;
  const height = Math.ceil(pixels / width);
  const noise = { create: { width, height, channels: 3, background: 'grey' } } as const;
  const picture = sharp({ create: { ...noise.create, noise: { type: 'gaussian', mean: 128, sigma: 30 } } });
  if (type === 'png') return picture.png({ compressionLevel: 1 }).toBuffer();
  return bitmap(width, height, await picture.raw().toBuffer());
}

/** A Windows bitmap of 24 bits a pixel, which sharp does not write. */
function bitmap(width: number, height: number, samples: Uint8Array): Buffer {
  const headerBytes = 54;
  const header = Buffer.alloc(headerBytes);
  header.write('BM', 'latin1');
  header.writeUInt32LE(headerBytes + samples.length, 2);
  header.writeUInt32LE(headerBytes, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  header.writeUInt32LE(samples.length, 34);
  return Buffer.concat([header, samples]);
}
