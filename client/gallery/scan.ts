/**
 * Finds the photos below a folder by their names. Follows no links, looks into nothing hidden, stops at the
 * limits, and reads no photo.
 */
import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import { GALLERY_LIMITS } from './limits.js';
import { looksLikePhoto } from './rules/kinds.js';
import { byName, nameTrouble, printable } from './rules/names.js';
import { stampOf } from './stamp.js';
import type { Stamp } from './stamp.js';

/** A file as the scan saw it. */
export interface FoundFile {
  /** Absolute, free of links. */
  readonly path: string;
  /** Path below the gallery's folder, with forward slashes. */
  readonly name: string;
  readonly stamp: Stamp;
}

/** A file that is not served, and why: proto/glimpse/v1/peer.proto, `Notice`. */
export interface LeftOut {
  readonly name: string;
  readonly message: string;
}

export interface Scan {
  /** In the order of names. */
  readonly files: readonly FoundFile[];
  readonly leftOut: readonly LeftOut[];
}

const statsAtOnce = 32;

/** @param root absolute, free of links. @throws the system's errors if the folder itself cannot be read */
export async function scan(root: string, signal?: AbortSignal): Promise<Scan> {
  const leftOut: LeftOut[] = [];
  const names: { name: string }[] = [];
  const folders = [''];
  let entries = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal?.throwIfAborted();
    try {
      for await (const entry of await opendir(path.join(root, folder))) {
        if (++entries > GALLERY_LIMITS.entriesMax) break;
        const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
        const trouble = nameTrouble(name, GALLERY_LIMITS.depthMax);
        if (trouble === 'hidden') continue;
        const wanted = entry.isDirectory() || looksLikePhoto(entry.name);
        if (trouble !== undefined && wanted)
          leftOut.push({ name: printable(name), message: troubles[trouble] });
        else if (entry.isDirectory()) folders.push(name);
        else if (entry.isSymbolicLink() && wanted) leftOut.push({ name, message: troubles.link });
        else if (entry.isFile() && wanted) names.push({ name });
      }
    } catch (error) {
      if (folder === '') throw error;
      leftOut.push({ name: folder, message: troubles.unreadable });
    }
  }
  names.sort(byName);
  if (entries > GALLERY_LIMITS.entriesMax) leftOut.push({ name: '', message: troubles.tooManyEntries });
  if (names.length > GALLERY_LIMITS.photosMax) leftOut.push({ name: '', message: troubles.tooManyPhotos });
  const files = await withStamps(root, names.slice(0, GALLERY_LIMITS.photosMax), signal);
  return { files, leftOut: leftOut.sort(byName).slice(0, GALLERY_LIMITS.noticesMax) };
}

const troubles = {
  outside: 'Its name cannot be served: rename it.',
  unprintable: 'Its name has characters that cannot be printed: rename it.',
  'too-long': 'The path to it is too long: move it up, or shorten the names of its folders.',
  'too-deep': `It lies more than ${GALLERY_LIMITS.depthMax} folders deep: move it up.`,
  link: 'It is a link, and links are not followed: put the file itself into the gallery.',
  unreadable: 'This folder cannot be read: check its permissions.',
  tooManyEntries: `The gallery has more than ${GALLERY_LIMITS.entriesMax} files and folders: the rest was not looked at. Serve a smaller folder.`,
  tooManyPhotos: `The gallery has more than ${GALLERY_LIMITS.photosMax} photos: the rest is left out. Serve a smaller folder.`,
} as const;

/** A file that has gone in the meantime is no file of the gallery. */
async function withStamps(
  root: string,
  names: readonly { readonly name: string }[],
  signal: AbortSignal | undefined,
): Promise<FoundFile[]> {
  const limit = pLimit(statsAtOnce);
  const found = await limit.map(names, async ({ name }): Promise<FoundFile[]> => {
    signal?.throwIfAborted();
    const file = path.join(root, name);
    const stats = await lstat(file, { bigint: true }).catch(() => undefined);
    return stats?.isFile() === true ? [{ path: file, name, stamp: stampOf(stats) }] : [];
  });
  return found.flat();
}
