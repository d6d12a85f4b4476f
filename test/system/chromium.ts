/** What Chromium paints: Debian's, started directly, without a profile, a network or colour management. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import sharp from 'sharp';
import { temporaryFolder } from './prerequisites.js';

const run = promisify(execFile);
const deadlineMs = 90_000;

export interface Painted {
  readonly width: number;
  readonly height: number;
  /** RGB, 8 bits a sample. */
  readonly samples: Buffer;
}

/** A page that holds nothing but this picture, one of its pixels to one of the screen. */
export async function painted(
  t: ExecutionContext,
  chromium: string,
  { file, width, height }: { readonly file: string; readonly width: number; readonly height: number },
): Promise<Painted> {
  const folder = await temporaryFolder(t);
  const [page, home, shot] = ['page.html', 'home', 'shot.png'].map((name) => path.join(folder, name));
  await mkdir(home!);
  await writeFile(page!, pageOf(file, width, height));
  const options = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--force-color-profile=srgb',
    '--force-device-scale-factor=1',
    '--hide-scrollbars',
    `--user-data-dir=${path.join(home!, 'profile')}`,
    `--window-size=${width},${height}`,
    `--screenshot=${shot!}`,
  ];
  // Killed with its deadline; its own children end when it does.
  await run(chromium, [...options, pathToFileURL(page!).href], {
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
    maxBuffer: 16 * 1024 * 1024,
  });
  const { data, info } = await sharp(shot).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, samples: data };
}

function pageOf(file: string, width: number, height: number): string {
  return `<!doctype html>
<style>
  body { margin: 0; background: #f0f }
  img { display: block; width: ${width}px; height: ${height}px; image-rendering: pixelated }
</style>
<img src="${pathToFileURL(file).href}">
`;
}
