import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../core/folder.js';
import type { Engine, PhotoLine } from '../engine.js';
import { noticeText } from '../gallery/rules/notice.js';
import { drawGrid } from '../web/terminal.js';
import type { Surroundings } from './command.js';
import { defineCommand } from './command.js';
import { filePath, text, word } from './read.js';
import { plural, table } from './table.js';

interface Line extends PhotoLine {
  /** Where --out put it, otherwise a data URL; null if the owner's client could not make one. */
  thumbnail: string | null;
}

interface Thumbnail {
  readonly picture: Uint8Array;
  readonly mediaType: string;
}

interface Listing {
  readonly peer: string;
  readonly photos: readonly Line[];
  /** Files that the owner's client left out, and why. */
  readonly notices: readonly { readonly name: string; readonly message: string }[];
}

export const gallery = defineCommand({
  name: 'gallery',
  summary: "a peer's whole gallery as thumbnails",
  describe: (line) =>
    line
      .argument('<peer>', 'name, or name#fingerprint')
      .option('--out <folder>', 'write the thumbnails there'),
  examples: ['glimpse gallery alice', 'glimpse gallery alice --out thumbnails'],
  details: 'The numbers are those of this listing: glimpse request PEER NUMBER means the last one you saw.',
  read: (typed) => {
    const out = text(typed, 'out');
    return { peer: word(typed, 0), out: out === undefined ? undefined : filePath(typed, out) };
  },
  perform: async (engine, { peer, out }, surroundings): Promise<Listing> => {
    const { photos, notices, thumbnails } = await browse(engine, peer, surroundings);
    if (surroundings.room) surroundings.drawing(await drawing(photos, thumbnails, surroundings.room));
    if (out !== undefined) makeFolder(out);
    for (const photo of photos) {
      const thumbnail = thumbnails.get(photo.number);
      if (!thumbnail) continue;
      photo.thumbnail = out === undefined ? dataUrl(thumbnail) : await write(out, photo, thumbnail);
    }
    return { peer, photos, notices };
  },
  draw: ({ peer, photos, notices }) =>
    [
      table(
        ['#', 'name', 'size', 'bytes', 'id'],
        photos.map(({ number, name, width, height, bytes, id }) => [
          number,
          name,
          `${width} x ${height}`,
          bytes,
          id.slice(0, 12),
        ]),
        `${peer} has no photos in the gallery.`,
      ),
      ...notices.map(noticeText),
    ].join('\n'),
});

async function browse(engine: Engine, peer: string, { progress, signal }: Surroundings) {
  const photos: Line[] = [];
  const notices: { name: string; message: string }[] = [];
  const thumbnails = new Map<number, Thumbnail>();
  for await (const part of engine.browse(peer, signal)) {
    switch (part.kind) {
      case 'begin':
        break;
      case 'photo': {
        const { number, id, name, width, height, bytes } = part;
        photos.push({ number, id, name, width, height, bytes, thumbnail: null });
        break;
      }
      case 'thumbnail':
        thumbnails.set(part.number, part);
        progress(`${thumbnails.size} of ${plural(photos.length, 'thumbnail')}`);
        break;
      case 'notice':
        notices.push({ name: part.name, message: part.message });
    }
  }
  return { photos, notices, thumbnails };
}

function drawing(
  photos: readonly Line[],
  thumbnails: ReadonlyMap<number, Thumbnail>,
  room: NonNullable<Surroundings['room']>,
): Promise<string> {
  const cells = photos.flatMap(({ number, name }) => {
    const thumbnail = thumbnails.get(number);
    return thumbnail ? [{ bytes: thumbnail.picture, caption: `${number} ${path.posix.basename(name)}` }] : [];
  });
  return drawGrid(cells, room);
}

function dataUrl({ picture, mediaType }: Thumbnail): string {
  return `data:${mediaType};base64,${Buffer.from(picture).toString('base64')}`;
}

/** The name comes from another person's computer: of its characters only harmless ones make a file's name. */
async function write(
  folder: string,
  { number, name }: Line,
  { picture, mediaType }: Thumbnail,
): Promise<string> {
  const harmless = path.posix.parse(name).name.replace(/[^\p{L}\p{N}._-]+/gu, '_');
  // A file's name has 255 bytes at most, and a character up to four.
  const stem = Array.from(harmless).slice(0, 60).join('');
  const extension = mediaType === 'image/jpeg' ? 'jpg' : 'webp';
  const file = path.join(folder, `${String(number).padStart(3, '0')}-${stem}.${extension}`);
  await writeFile(file, picture);
  return file;
}
