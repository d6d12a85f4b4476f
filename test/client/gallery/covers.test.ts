import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import test from 'ava';
import fc from 'fast-check';
import { checkCover, makeCover } from '../../../client/gallery/covers.js';
import { between, chanceFrom, oneOf } from '../../../client/gallery/scenes/chance.js';
import { dunes } from '../../../client/gallery/scenes/dunes.js';
import { dusk } from '../../../client/gallery/scenes/dusk.js';
import { waves } from '../../../client/gallery/scenes/waves.js';
import { Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { photographs, place } from './folders.js';

const source = (seed = 1) => ({
  seed: new Uint8Array(16).fill(seed),
  thumbnail: async () =>
    sharp(path.join(photographs, 'airplane-from-above.jpg')).resize(256).webp().toBuffer(),
});

for (const name of ['airplane-from-above.jpg', 'acanthus-mollis.jpg', 'landscapes/dust-bowl-home.jpg']) {
  test(`a preview is a few spots of colour, each where it was: ${name}`, async (t) => {
    const thumbnail = await sharp(path.join(photographs, name))
      .resize(256, 256, { fit: 'inside' })
      .webp()
      .toBuffer();
    const cover = await makeCover('preview', { thumbnail: async () => thumbnail, seed: new Uint8Array(16) });
    const { format, width, height, hasAlpha } = await sharp(cover).metadata();
    t.deepEqual([format, Math.max(width, height), hasAlpha], ['png', 4, false]);
    const [before, after] = await Promise.all([
      levels(thumbnail, { width, height }),
      levels(cover, { width, height }),
    ]);
    for (const [at, level] of after.entries())
      t.true(Math.abs(level - before[at]!) < 40, 'colours stay where they were');
    const enlarged = await sharp(cover).resize(256, 192, { fit: 'fill' }).png().toBuffer();
    t.true((await roughness(enlarged)) < (await roughness(thumbnail)) / 5, 'edges do not');
  });
}

async function levels(picture: Uint8Array, shape: { width: number; height: number }): Promise<number[]> {
  const pixels = sharp(picture).resize({ ...shape, fit: 'fill' });
  return [...(await pixels.removeAlpha().raw().toBuffer())];
}

/** The mean step between neighbours. */
async function roughness(picture: Uint8Array): Promise<number> {
  const { data, info } = await sharp(picture).greyscale().raw().toBuffer({ resolveWithObject: true });
  let sum = 0;
  for (let at = 1; at < data.length; at++)
    if (at % info.width !== 0) sum += Math.abs(data[at]! - data[at - 1]!);
  return sum / data.length;
}

for (const name of ['dunes', 'dusk', 'waves', 'drawn']) {
  test(`${name}: the same seed is the same picture, another is another`, async (t) => {
    const [one, again, other] = await Promise.all(
      [source(1), source(1), source(2)].map((from) => makeCover(name, from)),
    );
    t.deepEqual(one, again);
    t.notDeepEqual(one, other);
    const { width, height, format, hasAlpha } = await sharp(one).metadata();
    t.deepEqual([width, height, format], [768, 512, 'png']);
    t.true(!hasAlpha || (await sharp(one).stats()).isOpaque);
    t.true(
      (await sharp(one).stats()).channels.some(({ stdev }) => stdev > 20),
      'there is something to see',
    );
  });
}

test('a scene of any seed is numbers and colours, all of them finite', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 32 }), fc.constantFrom(dunes, dusk, waves), (seed, draw) => {
      const svg = draw(chanceFrom(seed));
      t.false(/NaN|Infinity|undefined/.test(svg));
      t.is(svg, draw(chanceFrom(seed)));
    }),
    { numRuns: 60 },
  );
});

test('chance stays within its bounds and uses them', (t) => {
  const chance = chanceFrom(new Uint8Array([7]));
  const drawn = Array.from({ length: 2_000 }, () => between(chance, -2, 3));
  t.true(drawn.every((value) => value >= -2 && value < 3));
  t.true(Math.abs(drawn.reduce((sum, value) => sum + value, 0) / drawn.length - 0.5) < 0.2);
  t.is(new Set(Array.from({ length: 200 }, () => oneOf(chance, ['a', 'b', 'c']))).size, 3);
});

test('a picture of one’s own is sent small and without metadata', async (t) => {
  const at = await place(t);
  const file = path.join(at.folder, 'own.jpg');
  await sharp({ create: { width: 3000, height: 1500, channels: 4, background: '#00ff0080' } })
    .flatten({ background: 'white' })
    .withExif({ IFD0: { Artist: 'SECRETNAME' } })
    .jpeg()
    .toFile(file);
  t.true((await readFile(file)).includes('SECRETNAME'));
  const cover = await makeCover(file, source());
  const { width, height, exif } = await sharp(cover).metadata();
  t.deepEqual([width, height, exif], [2048, 1024, undefined]);
  t.false(Buffer.from(cover).includes('SECRETNAME'));
});

test('a cover that cannot be one is refused with what may be chosen', async (t) => {
  const at = await place(t);
  const photo = await readFile(path.join(photographs, 'acanthus-mollis.jpg'));
  await writeFile(path.join(at.folder, 'cut.jpg'), photo.subarray(0, 50_000));
  await writeFile(path.join(at.folder, 'text.jpg'), 'no picture');
  await writeFile(path.join(at.folder, 'empty.jpg'), '');
  await writeFile(path.join(at.folder, 'x.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await mkdir(path.join(at.folder, 'folder'));
  const cases: [string, RegExp][] = [
    ['sunset', /cannot be read \(ENOENT\): choose preview, drawn, dunes, dusk, waves, or the path/],
    [path.join(at.folder, 'cut.jpg'), /cannot be decoded/],
    [path.join(at.folder, 'text.jpg'), /no picture/],
    [path.join(at.folder, 'empty.jpg'), /no picture/],
    [path.join(at.folder, 'x.svg'), /no picture/],
    [path.join(at.folder, 'folder'), /not a file/],
  ];
  for (const [choice, words] of cases) {
    const error = await t.throwsAsync(
      makeCover(choice, source()),
      { instanceOf: Refused, message: words },
      choice,
    );
    t.is(error.reason, Reason.BAD_COVER);
    await t.throwsAsync(checkCover(choice), { instanceOf: Refused, message: words }, choice);
  }
  for (const choice of ['preview', 'drawn', 'waves']) await t.notThrowsAsync(checkCover(choice));
});
