/** Folders of photos for a test, removed after it, and what a listing of them says. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { openGallery } from '../../../client/gallery/gallery.js';
import type { Gallery } from '../../../client/gallery/gallery.js';
import type { PhotoLine, Thumbnail } from '../../../gen/glimpse/v1/peer_pb.js';

export const photographs = path.resolve('test/photos');

export interface Place {
  /** Of the photos; free of links. */
  readonly folder: string;
  readonly cacheDir: string;
  readonly imageKey: Uint8Array;
}

export async function place(t: ExecutionContext): Promise<Place> {
  const parent = await realpath(await mkdtemp(path.join(os.tmpdir(), 'glimpse-gallery-')));
  t.teardown(() => rm(parent, { recursive: true, force: true }));
  const [folder, cacheDir] = [path.join(parent, 'photos'), path.join(parent, 'cache')];
  await mkdir(folder);
  await mkdir(cacheDir);
  return { folder, cacheDir, imageKey: new Uint8Array(randomBytes(32)) };
}

export async function open(
  t: ExecutionContext,
  at: Place,
  folder: string | undefined = at.folder,
): Promise<Gallery> {
  const gallery = await openGallery(folder, at);
  t.teardown(() => gallery.close());
  return gallery;
}

/** The real photographs under these names. */
export async function copyPhotographs(at: Place, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await mkdir(path.dirname(path.join(at.folder, name)), { recursive: true });
    await copyFile(path.join(photographs, 'landscapes/nagasaki-boats.jpg'), path.join(at.folder, name));
  }
}

/** One colour: small, quick, and a photo of its own. */
export function plain(colour: string, width = 30, height = 20): Sharp {
  return sharp({ create: { width, height, channels: 3, background: colour } });
}

export interface Listing {
  readonly order: readonly string[];
  readonly photos: number;
  readonly lines: readonly PhotoLine[];
  readonly thumbnails: ReadonlyMap<number, Thumbnail>;
  readonly notices: ReadonlyMap<string, string>;
}

export async function listingOf(gallery: Gallery): Promise<Listing> {
  const [order, lines]: [string[], PhotoLine[]] = [[], []];
  const [thumbnails, notices] = [new Map<number, Thumbnail>(), new Map<string, string>()];
  let photos = -1;
  for await (const { part } of gallery.list()) {
    if (part.case === undefined) throw new Error('nothing is said');
    order.push(part.case);
    if (part.case === 'begin') photos = part.value.photos;
    else if (part.case === 'photo') lines.push(part.value);
    else if (part.case === 'thumbnail') thumbnails.set(part.value.number, part.value);
    else notices.set(part.value.name, part.value.message);
  }
  return { order, photos, lines, thumbnails, notices };
}
