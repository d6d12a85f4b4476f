/** Galleries of the size that people have: a thousand photos, and photos as large as cameras make. */
import { execFileSync } from 'node:child_process';
import { appendFile, copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import test from 'ava';
import { listingOf, open, photographs, place } from '../client/gallery/folders.js';
import { largePhotographs, program } from './prerequisites.js';

const count = 1_000;

test.serial('a thousand photographs are listed in bounded memory, the first of them early', async (t) => {
  const at = await place(t);
  const originals = (await readdir(photographs)).filter((name) => name.endsWith('.jpg'));
  for (let number = 0; number < count; number++) {
    const file = path.join(at.folder, String(number % 10), `${String(number).padStart(4, '0')}.jpg`);
    await mkdir(path.dirname(file), { recursive: true });
    await copyFile(path.join(photographs, originals[number % originals.length]!), file);
    // Behind the end of the picture, where no decoder looks: each file is a photo of its own.
    await appendFile(file, String(number));
  }
  const gallery = await open(t, at);
  await gallery.find('1');
  const before = process.memoryUsage().rss;
  let [peak, lines, thumbnails] = [0, 0, 0];
  const started = process.hrtime.bigint();
  for await (const { part } of gallery.list()) {
    if (part.case === 'photo' && ++lines === 1) t.log(`first line after ${msSince(started)} ms`);
    if (part.case === 'thumbnail') thumbnails += 1;
    peak = Math.max(peak, process.memoryUsage().rss);
  }
  t.log(`cold: ${msSince(started)} ms, ${Math.round((peak - before) / 1e6)} MB more than before`);
  t.deepEqual([lines, thumbnails], [count, count]);
  t.true(peak - before < 150e6);
  const again = process.hrtime.bigint();
  const warm = await listingOf(gallery);
  t.log(`warm: ${msSince(again)} ms`);
  t.is(warm.lines.length, count);
  t.true(msSince(again) < msSince(started) / 10);
});

test.serial('a gallery of large photographs: upright, and nothing of their metadata', async (t) => {
  const files = largePhotographs(t);
  if (files.length === 0) return;
  const at = await place(t);
  for (const file of files) await copyFile(file, path.join(at.folder, path.basename(file)));
  const { lines, thumbnails, notices } = await listingOf(await open(t, at));
  t.deepEqual([lines.length, notices.size], [files.length, 0]);
  const orientations = new Set<number | undefined>();
  for (const { number, name, width, height } of lines) {
    const original = await readFile(path.join(at.folder, name));
    const { autoOrient, exif, orientation } = await sharp(original).metadata();
    orientations.add(orientation);
    t.true((exif?.length ?? 0) > 0, 'or there is nothing to be taken away');
    t.deepEqual([width, height], [autoOrient.width, autoOrient.height]);
    const { picture } = thumbnails.get(number)!;
    const small = await sharp(picture).metadata();
    t.log(
      `${name}: ${width} x ${height}, orientation ${orientation ?? 0}, thumbnail ${picture.length} bytes`,
    );
    t.true(Math.abs(small.width / small.height - width / height) < 0.02);
    const { exif: left, xmp, iptc, icc, comments, orientation: turned } = small;
    t.deepEqual([left, xmp, iptc, icc, comments, turned], Array(6).fill(undefined));
    t.notRegex(Buffer.from(picture).toString('latin1'), /Exif|GPS|Xiaomi|Mi A3|20[12]\d:\d\d:\d\d/);
    const [upright, upsideDown] = await Promise.all([
      distance(original, picture),
      distance(original, picture, 180),
    ]);
    t.true(upright < 10 && upright < upsideDown / 2, `${upright} upright, ${upsideDown} upside down`);
  }
  t.true(files.length < 4 || orientations.has(3), 'one of them lies upside down in its file');
});

test.serial('exiftool finds nothing in a thumbnail that tells where, when or with what', async (t) => {
  const exiftool = program(t, 'exiftool', 'libimage-exiftool-perl');
  const files = exiftool === undefined ? [] : largePhotographs(t);
  if (exiftool === undefined || files.length === 0) return;
  const at = await place(t);
  await copyFile(files[0]!, path.join(at.folder, 'photo.jpg'));
  const { thumbnails } = await listingOf(await open(t, at));
  const small = path.join(at.folder, 'thumbnail');
  await writeFile(small, thumbnails.get(1)!.picture);
  const tags = (file: string) =>
    execFileSync(exiftool, ['-s', '-G1', file], { encoding: 'utf8', timeout: 30_000 });
  const telling = /GPS|Make|Model|Date\/?Time|CreateDate|Software|Serial|Thumbnail/;
  t.regex(tags(path.join(at.folder, 'photo.jpg')), telling);
  const left = tags(small)
    .split('\n')
    .filter((line) => !/^\[(?:System|ExifTool)\]/.test(line));
  t.notRegex(left.join('\n'), telling);
});

/** How far two pictures are apart, in levels of grey: the mean over 32 x 32 places. */
async function distance(original: Uint8Array, thumbnail: Uint8Array, turned = 0): Promise<number> {
  const grey = (picture: Uint8Array, angle: number) =>
    sharp(picture).autoOrient().rotate(angle).resize(32, 32, { fit: 'fill' }).greyscale().raw().toBuffer();
  const [one, other] = await Promise.all([grey(original, turned), grey(thumbnail, 0)]);
  return one.reduce((sum, level, at) => sum + Math.abs(level - other[at]!), 0) / one.length;
}

function msSince(start: bigint): number {
  return Math.round(Number(process.hrtime.bigint() - start) / 1e6);
}
