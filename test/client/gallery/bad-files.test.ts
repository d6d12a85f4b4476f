import { execFileSync } from 'node:child_process';
import { link, mkdir, open as openFile, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import test from 'ava';
import { GALLERY_LIMITS } from '../../../client/gallery/limits.js';
import { LIMITS } from '../../../core/limits.js';
import { Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { copyPhotographs, listingOf, open, photographs, place, plain } from './folders.js';
import type { Place } from './folders.js';

const write = (at: Place, name: string, bytes: Uint8Array | string) =>
  writeFile(path.join(at.folder, name), bytes);

test('every format is served, and what is not says what to do', async (t) => {
  const at = await place(t);
  const photo = sharp(path.join(photographs, 'acanthus-mollis.jpg')).resize(120);
  const types = { jpeg: 'jpeg', png: 'png', webp: 'webp', avif: 'avif', gif: 'gif', tiff: 'tiff' } as const;
  for (const type of Object.values(types))
    await photo
      .clone()
      .toFormat(type)
      .toFile(path.join(at.folder, `x.${type}`));
  await photo.clone().png().toFile(path.join(at.folder, 'really-png.JPG'));
  await photo.clone().png({ palette: true }).toFile(path.join(at.folder, 'palette.png'));
  await plain('#ff000080').ensureAlpha(0.5).png().toFile(path.join(at.folder, 'alpha.png'));
  await photo.clone().toColourspace('cmyk').jpeg().toFile(path.join(at.folder, 'cmyk.jpg'));
  await photo.clone().toColourspace('rgb16').png().toFile(path.join(at.folder, 'deep.png'));
  await write(at, 'phone.heic', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic and so on', 'latin1'));
  await write(at, 'drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  await write(at, 'disguised.png', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  await write(at, 'notes.txt', 'not a photo, and not meant to be one');
  const gallery = await open(t, at);
  const { lines, thumbnails, notices } = await listingOf(gallery);
  t.is(lines.length, 11);
  t.is(thumbnails.size, 11);
  t.deepEqual([...notices.keys()].sort(), ['disguised.png', 'drawing.svg', 'phone.heic']);
  t.regex(notices.get('phone.heic')!, /HEIC.*convert it to JPEG/);
  t.regex(notices.get('drawing.svg')!, /SVG.*export it as PNG/);
  t.is((await gallery.find('really-png.JPG')).mediaType, 'image/png');
});

test('a broken file is left out with a notice, and costs its reader once', async (t) => {
  const at = await place(t);
  const photo = await readFile(path.join(photographs, 'acanthus-mollis.jpg'));
  await write(at, 'whole.jpg', photo);
  await write(at, 'empty.jpg', '');
  await write(at, 'text.jpg', 'this is not a picture');
  for (const [at_, share] of [0.001, 0.1, 0.5, 0.99].entries()) {
    await write(at, `cut${at_}.jpg`, photo.subarray(0, Math.floor(photo.length * share)));
  }
  const formats = ['png', 'webp', 'avif', 'gif', 'tiff'] as const;
  for (const format of formats) {
    const bytes = await sharp(photo).resize(400).toFormat(format).toBuffer();
    await write(at, `half.${format}`, bytes.subarray(0, bytes.length >> 1));
  }
  const gallery = await open(t, at);
  const { photos, lines, notices } = await listingOf(gallery);
  t.is(photos, 12);
  t.deepEqual(
    lines.map(({ name }) => name),
    ['whole.jpg'],
  );
  t.is(notices.size, 11);
  t.regex(notices.get('empty.jpg')!, /is empty/);
  t.regex(notices.get('text.jpg')!, /not a picture.*JPEG/);
  t.regex(notices.get('cut2.jpg')!, /truncated or damaged: export it again/);
  t.deepEqual((await listingOf(gallery)).notices, notices);
  const error = await t.throwsAsync(gallery.find('cut1.jpg'), { instanceOf: Refused });
  t.is(error.reason, Reason.BAD_PHOTO);
});

test('a small file that declares a huge picture is refused before it is decoded', async (t) => {
  const at = await place(t);
  await write(at, 'bomb.png', png(60_000, 60_000));
  await write(at, 'wide.png', png(2 ** 31 - 1, 3));
  await write(at, 'just-too-many.png', png(16_384, 16_384));
  const { lines, notices } = await listingOf(await open(t, at));
  t.deepEqual(lines, []);
  t.regex(notices.get('bomb.png')!, /more than 134 megapixels: export it smaller/);
  t.is(notices.size, 3);
});

/** A well-formed PNG of one bit a pixel that declares these sides and holds next to nothing. */
function png(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(100_000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('a file that is too large is not even read', async (t) => {
  const at = await place(t);
  const handle = await openFile(path.join(at.folder, 'huge.jpg'), 'w');
  await handle.truncate(LIMITS.photoBytesMax + 1);
  await handle.close();
  const { notices } = await listingOf(await open(t, at));
  t.regex(notices.get('huge.jpg')!, new RegExp(`at most ${LIMITS.photoBytesMax}`));
});

test('nothing leads out of the folder', async (t) => {
  const at = await place(t);
  const outside = path.join(path.dirname(at.folder), 'private');
  await mkdir(outside);
  const secret = path.join(outside, 'secret.png');
  await plain('red').toFile(secret);
  await copyPhotographs(at, ['inside.jpg', 'sub/inside.jpg']);
  await symlink(secret, path.join(at.folder, 'link.png'));
  await symlink(outside, path.join(at.folder, 'folder'));
  await symlink('inside.jpg', path.join(at.folder, 'double.jpg'));
  await symlink(at.folder, path.join(at.folder, 'sub', 'loop'));
  await symlink('nowhere.jpg', path.join(at.folder, 'broken.jpg'));
  const gallery = await open(t, at);
  const { lines, notices } = await listingOf(gallery);
  t.deepEqual(
    lines.map(({ name }) => name),
    ['inside.jpg', 'sub/inside.jpg'],
  );
  t.deepEqual([...notices.keys()].sort(), ['broken.jpg', 'double.jpg', 'link.png']);
  t.regex(notices.get('link.png')!, /links are not followed/);
  t.false(
    [...notices.values()].some((message) => message.includes('private')),
    'nor does a notice tell where it led',
  );
  for (const name of [
    '../private/secret.png',
    'folder/secret.png',
    'link.png',
    'sub/../../private/secret.png',
  ]) {
    const error = await t.throwsAsync(gallery.find(name), { instanceOf: Refused }, name);
    t.is(error.reason, Reason.UNKNOWN_PHOTO);
  }
  const shared = await gallery.find(secret);
  t.is(shared.name, 'secret.png', 'the owner may share any file of hers by its path');
  await t.throwsAsync(gallery.findImage(shared.imageId), { instanceOf: Refused }, 'and no peer finds it');
});

test('a folder that becomes a link is not followed either', async (t) => {
  const at = await place(t);
  const outside = path.join(path.dirname(at.folder), 'private');
  await mkdir(outside);
  await plain('red').toFile(path.join(outside, 'x.png'));
  await mkdir(path.join(at.folder, 'sub'));
  await link(path.join(outside, 'x.png'), path.join(at.folder, 'sub', 'x.png'));
  const gallery = await open(t, at);
  const photo = await gallery.find('sub/x.png');
  await rm(path.join(at.folder, 'sub'), { recursive: true });
  await symlink(outside, path.join(at.folder, 'sub'));
  const read = async () => {
    for await (const _ of gallery.read(photo)) t.fail();
  };
  await t.throwsAsync(read, { instanceOf: Refused, message: /behind a link/ });
  await t.throwsAsync(gallery.findImage(photo.imageId), { instanceOf: Refused });
});

test('hidden files stay hidden, also from one who knows their image id', async (t) => {
  const at = await place(t);
  await copyPhotographs(at, ['seen.jpg']);
  await mkdir(path.join(at.folder, '.private'));
  for (const name of ['.private/x.png', '.x.png'])
    await plain(name.length > 8 ? 'red' : 'blue').toFile(path.join(at.folder, name));
  const gallery = await open(t, at);
  const { lines, notices } = await listingOf(gallery);
  t.is(lines.length, 1);
  t.is(notices.size, 0);
  const hidden = await gallery.find(path.join(at.folder, '.private/x.png'));
  await t.throwsAsync(gallery.findImage(hidden.imageId), { instanceOf: Refused });
});

test('names that cannot be printed, and what is no file at all', async (t) => {
  const at = await place(t);
  await copyPhotographs(at, ['good.jpg', 'bad\u001b[2J.jpg', 'bad\nline.jpg']);
  await mkdir(path.join(at.folder, 'folder.jpg'));
  execFileSync('mkfifo', [path.join(at.folder, 'pipe.jpg')]);
  const gallery = await open(t, at);
  const { lines, notices } = await listingOf(gallery);
  t.deepEqual(
    lines.map(({ name }) => name),
    ['good.jpg'],
  );
  t.deepEqual([...notices.keys()].sort(), ['bad\uFFFD[2J.jpg', 'bad\uFFFDline.jpg']);
  await t.throwsAsync(gallery.find('pipe.jpg'), { instanceOf: Refused });
  await t.throwsAsync(gallery.find(path.join(at.folder, 'pipe.jpg')), { instanceOf: Refused });
});

test('depth is bounded', async (t) => {
  const at = await place(t);
  const deep = Array.from({ length: GALLERY_LIMITS.depthMax + 1 }, () => 'd').join('/');
  await copyPhotographs(at, [`${deep.slice(2)}/fine.jpg`, `${deep}/deep.jpg`]);
  const { lines, notices } = await listingOf(await open(t, at));
  t.deepEqual(
    lines.map(({ name }) => path.basename(name)),
    ['fine.jpg'],
  );
  t.regex([...notices.values()][0]!, /folders deep/);
});
