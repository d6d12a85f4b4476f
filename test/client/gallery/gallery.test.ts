import { createHash, createHmac } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import sharp from 'sharp';
import test from 'ava';
import { thumbHashToAverageRGBA } from 'thumbhash';
import { openGallery } from '../../../client/gallery/gallery.js';
import { GALLERY_LIMITS } from '../../../client/gallery/limits.js';
import { Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { copyPhotographs, listingOf, open, photographs, place, plain } from './folders.js';

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

test('the whole gallery of real photographs, with subfolders, in the order of names', async (t) => {
  const at = await place(t);
  const gallery = await open(t, at, photographs);
  const { order, photos, lines, thumbnails, notices } = await listingOf(gallery);
  t.is(order[0], 'begin');
  t.is(photos, 7);
  t.deepEqual(
    lines.map(({ number, name }) => `${number} ${name}`),
    [
      '1 acanthus-mollis.jpg',
      '2 airplane-from-above.jpg',
      '3 allium-oreophilum.jpg',
      '4 landscapes/dust-bowl-home.jpg',
      '5 landscapes/french-alpine-landscape.jpg',
      '6 landscapes/nagasaki-boats.jpg',
      '7 locomotion-house-cat.jpg',
    ],
  );
  t.is(notices.size, 0);
  for (const line of lines) {
    const bytes = await readFile(path.join(photographs, line.name));
    const { width, height } = await sharp(bytes).metadata();
    t.deepEqual([line.width, line.height, line.photoBytes], [width, height, bytes.length]);
    const id = createHmac('sha256', at.imageKey).update(bytes).digest().subarray(0, 16);
    t.deepEqual(Buffer.from(line.imageId), id);
    const { picture, mediaType, thumbHash } = thumbnails.get(line.number)!;
    const small = await sharp(picture).metadata();
    t.is(mediaType, 'image/webp');
    t.is(Math.max(small.width, small.height), 256);
    t.true(picture.length > 1_000 && picture.length < 16_000, `${picture.length} bytes`);
    t.deepEqual(thumbHash, line.thumbHash);
    t.true(thumbHashToAverageRGBA(thumbHash).a > 0.9);
  }
});

test.serial('a warm listing is the same, says all lines first, and reads no photo', async (t) => {
  const at = await place(t);
  const names = Array.from({ length: 12 }, (_, index) => `${index % 2 ? 'odd' : 'even'}/${index}.jpg`);
  await copyPhotographs(at, names);
  const cold = await listingOf(await open(t, at));
  t.is(
    cold.order.indexOf('thumbnail') < cold.order.lastIndexOf('photo'),
    true,
    'nobody waits for the last line',
  );
  const gallery = await open(t, at);
  const before = await bytesRead();
  const warm = await listingOf(gallery);
  const read = (await bytesRead()) - before;
  t.deepEqual(warm.lines, cold.lines);
  t.deepEqual(warm.thumbnails, cold.thumbnails);
  t.deepEqual(warm.order, ['begin', ...names.map(() => 'photo'), ...names.map(() => 'thumbnail')]);
  const photo = (await stat(path.join(at.folder, names[0]!))).size;
  t.true(read < photo * 2, `${read} bytes were read for ${names.length} photos of ${photo}`);
});

/** What this process has read by now; 0 where the system does not tell. */
async function bytesRead(): Promise<number> {
  const text = await readFile('/proc/self/io', 'utf8').catch(() => 'rchar: 0');
  return Number(/rchar: (\d+)/.exec(text)?.[1]);
}

test('what changed is looked at again, what is gone is gone', async (t) => {
  const at = await place(t);
  const file = (name: string) => path.join(at.folder, name);
  for (const [name, colour] of [
    ['a.png', 'red'],
    ['b.png', 'green'],
    ['c.png', 'blue'],
  ] as const) {
    await plain(colour).toFile(file(name));
  }
  const gallery = await open(t, at);
  const first = await listingOf(gallery);
  const { atime, mtime, size } = await stat(file('b.png'));
  await plain('blue').toFile(file('b.png'));
  await utimes(file('b.png'), atime, mtime);
  t.is((await stat(file('b.png'))).size, size, 'same size and times: only the time of change tells');
  await rm(file('a.png'));
  const second = await listingOf(gallery);
  t.deepEqual(
    second.lines.map(({ number, name }) => [number, name]),
    [
      [1, 'b.png'],
      [2, 'c.png'],
    ],
  );
  t.deepEqual(second.lines[0]?.imageId, second.lines[1]?.imageId, 'the same content is the same photo');
  t.notDeepEqual(second.lines[0]?.imageId, first.lines[1]?.imageId);
  await t.throwsAsync(gallery.findImage(first.lines[0]!.imageId), { instanceOf: Refused });
});

test('no metadata leaves with a thumbnail, the place it was taken above all', async (t) => {
  const at = await place(t);
  const gps = {
    GPSLatitudeRef: 'N',
    GPSLatitude: '51/1 30/1 0/1',
    GPSLongitudeRef: 'W',
    GPSLongitude: '0/1 7/1 0/1',
  };
  const photo = sharp(path.join(photographs, 'acanthus-mollis.jpg'));
  await photo
    .keepMetadata()
    .withExif({ IFD0: { Copyright: 'Somebody', Artist: 'SECRETNAME' }, IFD3: gps })
    .toFile(path.join(at.folder, 'gps.jpg'));
  const planted = await readFile(path.join(at.folder, 'gps.jpg'));
  t.true(planted.includes('SECRETNAME'));
  t.true((await sharp(planted).metadata()).exif!.length > 200);
  const gallery = await open(t, at);
  const { thumbnails } = await listingOf(gallery);
  const cover = await gallery.cover(await gallery.find('1'), 'preview');
  for (const picture of [thumbnails.get(1)!.picture, cover]) {
    const { exif, xmp, iptc, icc } = await sharp(picture).metadata();
    t.deepEqual([exif, xmp, iptc, icc], [undefined, undefined, undefined, undefined]);
    for (const trace of ['SECRETNAME', 'Exif', 'EXIF', 'GPS', 'xmp'])
      t.false(Buffer.from(picture).includes(trace), trace);
  }
});

test('photos stand upright whatever the camera wrote', async (t) => {
  const at = await place(t);
  const corners = await upright();
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = path.join(at.folder, `${orientation}.jpg`);
    await (
      await turned(corners, orientation)
    )
      .withMetadata({ orientation })
      .jpeg({ quality: 95 })
      .toFile(file);
  }
  const { lines, thumbnails } = await listingOf(await open(t, at));
  for (const { number, name, width, height } of lines) {
    t.deepEqual([width, height], [60, 40], name);
    const { data, info } = await sharp(thumbnails.get(number)!.picture)
      .raw()
      .toBuffer({ resolveWithObject: true });
    t.deepEqual([info.width, info.height], [60, 40], name);
    const pixel = (x: number, y: number) => [
      ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
    ];
    const seen = [pixel(10, 10), pixel(50, 10), pixel(10, 30), pixel(50, 30)].map((rgb) =>
      rgb.map((level) => (level > 128 ? 1 : 0)).join(''),
    );
    t.deepEqual(seen, ['100', '010', '001', '111'], name);
  }
});

/** Red, green / blue, white; 60 by 40. */
async function upright(): Promise<Buffer> {
  const tile = (colour: string) => plain(colour, 30, 20).png().toBuffer();
  const places = [
    ['#f00', 0, 0],
    ['#0f0', 30, 0],
    ['#00f', 0, 20],
    ['#fff', 30, 20],
  ] as const;
  const tiles = places.map(async ([colour, left, top]) => ({ input: await tile(colour), left, top }));
  return plain('#000', 60, 40)
    .composite(await Promise.all(tiles))
    .png()
    .toBuffer();
}

/** As it lies in a file of this EXIF orientation: the inverse of what a viewer does. */
async function turned(picture: Buffer, orientation: number) {
  const mirrored = [2, 4, 5, 7].includes(orientation);
  const degrees = { 3: 180, 4: 180, 5: 270, 6: 270, 7: 90, 8: 90 }[orientation] ?? 0;
  const flat = mirrored ? await sharp(picture).flop().png().toBuffer() : picture;
  return sharp(await sharp(flat).rotate(degrees).png().toBuffer());
}

test('a photo is found by number, name, image id and path', async (t) => {
  const at = await place(t);
  const gallery = await open(t, at, photographs);
  const cat = await gallery.find('locomotion-house-cat.jpg');
  t.is(cat.mediaType, 'image/jpeg');
  t.is(cat.path, path.join(photographs, 'locomotion-house-cat.jpg'));
  const hex = Buffer.from(cat.imageId).toString('hex');
  for (const way of ['7', hex, hex.slice(0, 8), cat.path]) t.deepEqual(await gallery.find(way), cat, way);
  t.deepEqual(await gallery.findImage(cat.imageId), cat);
  t.is((await gallery.find('nagasaki-boats.jpg')).name, 'landscapes/nagasaki-boats.jpg');
  t.deepEqual(
    await (await open(t, { ...at, cacheDir: (await place(t)).cacheDir }, photographs)).find(hex),
    cat,
  );
  for (const way of [
    '8',
    '0',
    'ffffffff',
    'dog.jpg',
    '../photos/acanthus-mollis.jpg',
    '/nowhere.jpg',
    photographs,
  ]) {
    const error = await t.throwsAsync(gallery.find(way), { instanceOf: Refused }, way);
    t.is(error.reason, Reason.UNKNOWN_PHOTO, way);
  }
});

test('two photos of one name must be told apart', async (t) => {
  const at = await place(t);
  await copyPhotographs(at, ['one/cat.jpg', 'two/cat.jpg', 'cat.jpg', 'one/dog.jpg', 'two/dog.jpg']);
  const gallery = await open(t, at);
  t.is((await gallery.find('cat.jpg')).name, 'cat.jpg', 'the exact path wins');
  t.is((await gallery.find('two/cat.jpg')).name, 'two/cat.jpg');
  await t.throwsAsync(gallery.find('dog.jpg'), { message: /one\/dog\.jpg or two\/dog\.jpg/ });
});

test('without a folder, photos are shared by their paths alone', async (t) => {
  const at = await place(t);
  const gallery = await openGallery(undefined, at);
  t.teardown(() => gallery.close());
  t.deepEqual((await listingOf(gallery)).order, ['begin']);
  const photo = await gallery.find(path.join(photographs, 'acanthus-mollis.jpg'));
  t.is(photo.name, 'acanthus-mollis.jpg');
  await t.throwsAsync(gallery.findImage(photo.imageId), { instanceOf: Refused }, 'a peer sees nothing of it');
});

test('the bytes that are read are those of the image id, or it throws', async (t) => {
  const at = await place(t);
  const file = path.join(at.folder, 'cat.png');
  await plain('red', 900, 700).png({ compressionLevel: 0 }).toFile(file);
  const gallery = await open(t, at);
  const photo = await gallery.find('cat.png');
  const bytes = await readFile(file);
  t.true(bytes.length > 3 * 256 * 1024, 'several chunks');
  t.deepEqual(await joined(gallery.read(photo)), bytes);
  t.deepEqual(await joined(gallery.read(photo)), bytes, 'as often as needed');

  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(file, bytes);
  const late = await t.throwsAsync(joined(gallery.read(photo)), {
    instanceOf: Refused,
    message: /changed.*try again/,
  });
  t.is(late.reason, Reason.BAD_PHOTO);
  await writeFile(file, bytes.subarray(1));
  await t.throwsAsync(joined(gallery.read(photo)), { instanceOf: Refused, message: /changed/ });
  await rm(file);
  await t.throwsAsync(joined(gallery.read(photo)), {
    instanceOf: Refused,
    message: /cannot be read.*ENOENT/,
  });
});

test('a file that changes while it is read is noticed', async (t) => {
  const at = await place(t);
  const file = path.join(at.folder, 'cat.png');
  await plain('red', 900, 700).png({ compressionLevel: 0 }).toFile(file);
  const gallery = await open(t, at);
  const photo = await gallery.find('cat.png');
  const reading = gallery.read(photo);
  t.false((await reading[Symbol.asyncIterator]().next()).done);
  const bytes = await readFile(file);
  bytes[bytes.length - 20]! ^= 1;
  await writeFile(file, bytes);
  await t.throwsAsync(joined(reading), { instanceOf: Refused, message: /changed/ });
});

test('concurrent listings and finds agree, and one that is given up harms none', async (t) => {
  const at = await place(t);
  await copyPhotographs(
    at,
    Array.from({ length: 10 }, (_, index) => `${index}.jpg`),
  );
  const [gallery, other] = [await open(t, at), await open(t, at)];
  const given = (async () => {
    for await (const { part } of gallery.list()) if (part.case === 'photo') break;
  })();
  const listings = await Promise.all([listingOf(gallery), listingOf(other), listingOf(gallery)]);
  await given;
  for (const listing of listings) {
    t.deepEqual(listing.lines, listings[0].lines);
    t.is(listing.thumbnails.size, 10);
  }
  t.is((await gallery.find('5')).name, '4.jpg');
});

test('a listing that nobody reads on looks a few photos ahead, and no further', async (t) => {
  const at = await place(t);
  for (let number = 10; number < 50; number++) {
    await plain(`#8040${number}`).toFile(path.join(at.folder, `${number}.png`));
  }
  const gallery = await open(t, at);
  const listing = gallery.list()[Symbol.asyncIterator]();
  for (let heard = 0; heard < 3; heard++) await listing.next();
  // It waits its turn behind whatever the listing has begun.
  await gallery.find(path.join(photographs, 'acanthus-mollis.jpg'));
  const index = new Database(path.join(at.cacheDir, 'index.db'), { readonly: true });
  t.teardown(() => index.close());
  const looked = index.prepare('SELECT count(*) FROM photos').pluck().get() as number;
  t.true(looked >= 2 && looked <= 2 * GALLERY_LIMITS.examinationsMax + 3, `${looked} photos were looked at`);
  await listing.return?.();
});

test('a listing ends when its caller does', async (t) => {
  const at = await place(t);
  await copyPhotographs(at, ['a.jpg', 'b.jpg']);
  const gallery = await open(t, at);
  await t.throwsAsync(
    (async () => {
      for await (const _ of gallery.list(AbortSignal.abort(new Error('enough')))) t.fail();
    })(),
    { message: 'enough' },
  );
});

test('the index is a cache: damaged, or of another key, it begins anew', async (t) => {
  const at = await place(t);
  await copyPhotographs(at, ['a.jpg']);
  const first = await open(t, at);
  const { lines } = await listingOf(first);
  first.close();
  await writeFile(path.join(at.cacheDir, 'index.db'), createHash('sha512').update('noise').digest());
  t.deepEqual((await listingOf(await open(t, at))).lines, lines);
  const otherKey = await listingOf(await open(t, { ...at, imageKey: new Uint8Array(32) }));
  t.notDeepEqual(otherKey.lines[0]?.imageId, lines[0]?.imageId);
});

test('a folder that is not there, or goes away', async (t) => {
  const at = await place(t);
  const missing = await t.throwsAsync(open(t, at, path.join(at.folder, 'no')), { instanceOf: Refused });
  t.regex(missing.message, /no folder.*--gallery/);
  t.is(missing.reason, Reason.INVALID_REQUEST);
  await copyPhotographs(at, ['a.jpg']);
  await t.throwsAsync(open(t, at, path.join(at.folder, 'a.jpg')), { instanceOf: Refused });
  const gallery = await open(t, at);
  await rename(at.folder, `${at.folder}-gone`);
  const gone = await t.throwsAsync(listingOf(gallery), { instanceOf: Refused });
  t.false(gone.message.includes(at.folder), 'peers learn no paths');
});

test('the gallery itself may be reached through a link', async (t) => {
  const at = await place(t);
  await copyPhotographs(at, ['a.jpg']);
  const link = path.join(path.dirname(at.folder), 'link');
  await symlink(at.folder, link);
  await mkdir(path.join(at.folder, 'sub'));
  t.is((await listingOf(await open(t, at, link))).lines.length, 1);
});
