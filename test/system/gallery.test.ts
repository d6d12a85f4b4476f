/** Galleries of the size that people have: a thousand photos, and photos as large as cameras make. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, copyFile, mkdir, readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import test from 'ava';
import { listingOf, open, photographs, place } from '../client/gallery/folders.js';

const photosOfSize = '/usr/share/forensics-samples';
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
  const found = existsSync(photosOfSize)
    ? execFileSync('find', [photosOfSize, '-iname', '*.jpg', '-size', '+1M'], { encoding: 'utf8' })
    : '';
  const files = found.split('\n').filter((line) => line !== '');
  if (files.length === 0) {
    t.log('SKIPPED: install Debian’s forensics-samples-files for photographs of 12 megapixels');
    t.pass();
    return;
  }
  const at = await place(t);
  for (const [index, file] of files.entries())
    await copyFile(file, path.join(at.folder, `${String(index)}.jpg`));
  const { lines, thumbnails, notices } = await listingOf(await open(t, at));
  t.is(lines.length + notices.size, files.length);
  t.true(lines.length > 0);
  for (const { number, name, width, height } of lines) {
    const { autoOrient, exif } = await sharp(await readFile(path.join(at.folder, name))).metadata();
    t.deepEqual([width, height], [autoOrient.width, autoOrient.height]);
    const small = await sharp(thumbnails.get(number)!.picture).metadata();
    t.log(
      `${name}: ${width} x ${height}, EXIF ${exif?.length ?? 0} bytes, thumbnail ${small.size ?? 0} bytes`,
    );
    t.is(small.exif, undefined);
    t.true(Math.abs(small.width / small.height - width / height) < 0.02);
  }
});

function msSince(start: bigint): number {
  return Math.round(Number(process.hrtime.bigint() - start) / 1e6);
}
