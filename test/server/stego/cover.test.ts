import test from 'ava';
import sharp from 'sharp';
import { Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { Covers } from '../../../server/stego/cover.js';

const picture = { create: { width: 90, height: 60, channels: 3 as const, background: '#336699' } };
const shape = { width: 64, height: 80 };
const raster = (cover: Uint8Array) => new Covers().raster(cover, () => shape);

test('every raster format becomes RGB of the asked shape', async (t) => {
  for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const) {
    const { samples } = await raster(await sharp(picture).toFormat(format, { quality: 100 }).toBuffer());
    t.is(samples.length, 3 * 64 * 80, format);
    const [red, green, blue] = samples;
    t.true(Math.abs(red! - 0x33) < 6 && Math.abs(green! - 0x66) < 6 && Math.abs(blue! - 0x99) < 6, format);
  }
});

test('grey, 16-bit, CMYK and animated pictures become RGB too', async (t) => {
  const pictures = [
    sharp(picture).greyscale().png(),
    sharp(picture).toColourspace('rgb16').png(),
    sharp(picture).toColourspace('cmyk').jpeg(),
    sharp(picture).png({ palette: true }),
    sharp(picture).ensureAlpha().greyscale().webp({ lossless: true }),
  ];
  for (const one of pictures) t.is((await raster(await one.toBuffer())).samples.length, 3 * 64 * 80);
});

test('transparency is laid on white', async (t) => {
  const clear = {
    create: { ...picture.create, channels: 4 as const, background: { r: 9, g: 9, b: 9, alpha: 0 } },
  };
  const { samples } = await raster(await sharp(clear).png().toBuffer());
  t.true(samples.every((sample) => sample === 255));
});

test('EXIF orientation is applied before the proportions are asked', async (t) => {
  const turned = await sharp(picture).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  let asked = 0;
  await new Covers().raster(turned, (proportions) => {
    asked = proportions;
    return shape;
  });
  t.is(asked, 60 / 90);
});

test('a decoded cover serves the next shape', async (t) => {
  const covers = new Covers();
  const cover = await sharp(picture).png().toBuffer();
  const first = await covers.raster(cover, () => shape);
  const second = await covers.raster(cover, () => ({ width: 70, height: 70 }));
  t.is(first.samples.length, 3 * 64 * 80);
  t.is(second.samples.length, 3 * 70 * 70);
});

test('a preview of a few pixels becomes slopes without a crease', async (t) => {
  const preview = Buffer.from(Array.from({ length: 4 * 3 * 3 }, (_, index) => 40 + ((index * 53) % 170)));
  const cover = await sharp(preview, { raw: { width: 4, height: 3, channels: 3 } })
    .png()
    .toBuffer();
  const width = 640;
  const height = 480;
  const { samples } = await new Covers().raster(cover, () => ({ width, height }));
  const at = (x: number, y: number) => samples[3 * (y * width + x)]!;
  let bends = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 8; x + 8 < width; x += 1) {
      bends = Math.max(bends, Math.abs(at(x - 8, y) - 2 * at(x, y) + at(x + 8, y)));
    }
  }
  // Straight lines between the four pixels bend by 9 where they meet.
  t.true(bends <= 7, `bends by ${bends}`);
  const curved = await sharp(preview, { raw: { width: 4, height: 3, channels: 3 } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
  const apart = curved.reduce((sum, sample, index) => sum + Math.abs(sample - samples[index]!), 0);
  t.true(apart / curved.length <= 3, `${apart / curved.length} levels from curves all the way`);
});

test('what cannot be read as a picture is refused with its reason', async (t) => {
  const jpeg = await sharp(picture).jpeg().toBuffer();
  const png = await sharp(picture).png().toBuffer();
  const bomb = await sharp({ create: { ...picture.create, width: 4_097, height: 4_097 } })
    .png()
    .toBuffer();
  const covers: Record<string, Uint8Array> = {
    empty: new Uint8Array(0),
    text: Buffer.from('not a picture at all'),
    svg: Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
    ),
    pdf: Buffer.from('%PDF-1.4\n'),
    'truncated jpeg': jpeg.subarray(0, jpeg.length / 2),
    'truncated png': png.subarray(0, png.length - 30),
    'beginning alone': png.subarray(0, 8),
    bomb,
  };
  for (const [name, cover] of Object.entries(covers)) {
    const error = await t.throwsAsync(raster(cover), { instanceOf: Refused }, name);
    t.is(error.reason, Reason.BAD_COVER, name);
  }
});
