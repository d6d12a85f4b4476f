import { crc32, deflateRawSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { coverOf } from '../../../core/carrier/cover.js';
import { snapshot } from '../../../core/carrier/encapsulate.js';
import { chunk, head, headBytes, slotChunkBytes } from '../../../core/carrier/layout/chunks.js';
import { readCarrier } from '../../../core/carrier/read.js';
import { bytesSource } from '../../../core/carrier/source.js';
import { FormatError } from '../../../core/format-error.js';
import { LIMITS } from '../../../core/limits.js';
import { collect, patterned, same } from '../streams.js';
import { carrierOf, slot } from './samples.js';

const payload = patterned(30_000, 9);
const png = (message = /^png: /) => ({ instanceOf: FormatError, message });
const small = await carrierOf(payload, 'small');
const { shape } = await readCarrier(bytesSource(small));

const readAll = async (file: Uint8Array, bytes = payload.length) =>
  collect((await readCarrier(bytesSource(file))).payload(bytes));

/** The carrier as 16-bit samples, for a program that saves it anew. */
async function resaving(): Promise<Sharp> {
  const raw = await sharp(small).toColourspace('rgb16').raw({ depth: 'ushort' }).toBuffer();
  const samples = new Uint16Array(raw.buffer, raw.byteOffset, raw.length / 2);
  return sharp(samples, { raw: { ...shape, channels: 3 } }).toColourspace('rgb16');
}

test('a picture saved anew with 16 bits a sample still holds all', async (t) => {
  const ways = [
    (picture: Sharp) => picture.png({ compressionLevel: 9 }),
    (picture: Sharp) => picture.png({ progressive: true }),
    (picture: Sharp) => picture.ensureAlpha(0.5).png(),
  ];
  for (const way of ways) {
    const file = await way(await resaving()).toBuffer();
    const carrier = await readCarrier(bytesSource(file));
    t.true(carrier.resaved);
    t.true(same(carrier.slot, slot));
    t.true(same(await collect(carrier.payload(payload.length)), payload));
    await t.throwsAsync(snapshot(bytesSource(file), slot), png(/saved this picture anew/));
  }
});

test('a picture re-encoded to 8 bits has lost its photo, and says so', async (t) => {
  const gone = png(/re-encoded/);
  const picture = sharp(small);
  await t.throwsAsync(readAll(await picture.clone().png().toBuffer()), gone);
  await t.throwsAsync(readAll(await picture.clone().png({ palette: true }).toBuffer()), gone);
  await t.throwsAsync(readAll(await picture.clone().jpeg().toBuffer()), gone);
  await t.throwsAsync(readAll(await picture.clone().webp().toBuffer()), gone);
  const of8Bits = await picture.clone().png().toBuffer();
  await t.throwsAsync(readAll(await sharp(of8Bits).toColourspace('rgb16').png().toBuffer()), gone);
  const repeated = Uint16Array.from(await picture.clone().raw().toBuffer(), (sample) => sample * 257);
  const raw = { raw: { ...shape, channels: 3 as const } };
  await t.throwsAsync(readAll(await sharp(repeated, raw).toColourspace('rgb16').png().toBuffer()), gone);
  await t.throwsAsync(
    readAll(await picture.clone().greyscale().toColourspace('grey16').png().toBuffer()),
    gone,
  );
});

test('a cropped or scaled picture fails at the slot, the length or the bytes', async (t) => {
  const { width, height } = shape;
  const cropped = await (
    await resaving()
  )
    .extract({ left: 0, top: 0, width, height: height - 5 })
    .png()
    .toBuffer();
  await t.throwsAsync(readAll(cropped), { instanceOf: FormatError, message: /^payload: / });
  const beheaded = await (
    await resaving()
  )
    .extract({ left: 0, top: 9, width, height: height - 9 })
    .png()
    .toBuffer();
  t.false(same((await readCarrier(bytesSource(beheaded))).slot, slot));
  const scaled = await (
    await resaving()
  )
    .resize(width + 20, height + 20, { fit: 'fill' })
    .png()
    .toBuffer();
  t.false(same(await readAll(scaled), payload));
});

test('a changed byte is found, wherever it is', async (t) => {
  for (const compression of ['fast', 'small'] as const) {
    const file = await carrierOf(payload, compression);
    const place = fc.oneof(
      fc.nat({ max: file.length - 1 }),
      fc.nat({ max: headBytes + 20 }),
      fc.nat({ max: 60 }).map((fromEnd) => file.length - 1 - fromEnd),
    );
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Uint8Array.from(file);
        changed[at]! ^= change;
        await t.throwsAsync(readAll(changed), png());
      }),
      { numRuns: 300 },
    );
  }
});

test('a file that ends early is found, at every place', async (t) => {
  const ends = fc.oneof(
    fc.nat({ max: small.length - 1 }),
    fc.nat({ max: 100 }),
    fc.nat({ max: 60 }).map((fromEnd) => small.length - 1 - fromEnd),
  );
  await fc.assert(
    fc.asyncProperty(ends, async (end) => {
      await t.throwsAsync(readAll(small.subarray(0, end)), png());
    }),
  );
  await t.throwsAsync(readAll(Buffer.concat([small, new Uint8Array(1)])), png());
});

test('two carriers spliced together are found', async (t) => {
  const long = patterned(1_700_000, 1);
  const [one, other] = await Promise.all([
    carrierOf(long, 'fast'),
    carrierOf(patterned(1_700_000, 2), 'fast'),
  ]);
  const places = fc.integer({ min: headBytes + 20, max: one.length - 40 });
  await fc.assert(
    fc.asyncProperty(places, async (at) => {
      const file = Buffer.concat([one.subarray(0, at), other.subarray(at)]);
      // Cut between two chunks it is a whole picture, and the payload's digest is what differs.
      const read = await readAll(file, long.length).catch((error: unknown) => error);
      t.true(read instanceof FormatError || !same(read as Uint8Array, long));
    }),
    { numRuns: 20 },
  );
});

test('bytes that are no picture are refused', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await t.throwsAsync(readAll(bytes), png());
      await t.throwsAsync(coverOf(bytesSource(bytes)), png());
    }),
  );
});

/** A PNG that says it has this shape and begins as ours do. */
function claiming(width: number, height: number, ...chunks: readonly Uint8Array[]): Buffer {
  return Buffer.concat([head({ width, height }), ...chunks]);
}

test('a picture that says it is enormous costs nothing', async (t) => {
  const shapes = [
    [16_385, 64],
    [64, 16_385],
    [16_384, 16_384],
    [0xffffffff, 0xffffffff],
    [0, 0],
    [63, 64],
  ] as const;
  for (const [width, height] of shapes) {
    await t.throwsAsync(readAll(claiming(width, height, chunk('IDAT'), chunk('IEND'))), png(/no carrier/));
  }
  t.throws(() => bytesSource(Buffer.alloc(LIMITS.carrierBytesMax + 1)), png(/no carrier/));
});

test('a payload longer than the picture can hold is refused before anything is read', async (t) => {
  await t.throwsAsync(readAll(small, LIMITS.payloadBytesMax), {
    instanceOf: FormatError,
    message: /^payload: /,
  });
});

test('an IDAT that inflates without end is stopped', async (t) => {
  const bomb = chunk('IDAT', deflateRawSync(Buffer.alloc(64 << 20)));
  const start = small.subarray(0, headBytes + slotChunkBytes(shape.width));
  const file = Buffer.concat([start, bomb, small.subarray(-28)]);
  await t.throwsAsync(readAll(file), png(/does not inflate/));
});

test('an IDAT that says it is longer than the file, or than allowed, is not read', async (t) => {
  const at = headBytes + slotChunkBytes(shape.width);
  for (const length of [LIMITS.idatBytesMax, LIMITS.idatBytesMax + 1, 0x7fffffff, 0xffffffff]) {
    const file = Buffer.from(small);
    file.writeUInt32BE(length, at);
    await t.throwsAsync(readAll(file), png());
  }
});

test('a picture cut into a great many chunks is not followed to its end', async (t) => {
  const empty = chunk('tEXt');
  const file = Buffer.concat([
    small.subarray(0, 33),
    ...Array<Buffer>(70_000).fill(empty),
    small.subarray(33),
  ]);
  await t.throwsAsync(readAll(file), png(/too many chunks/));
});

test('a header whose checksum is right and whose fields are not is refused', async (t) => {
  const fields = fc.record({
    depth: fc.nat({ max: 255 }),
    colour: fc.nat({ max: 255 }),
    interlace: fc.nat({ max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(fields, async ({ depth, colour, interlace }) => {
      fc.pre(depth !== 16 || colour !== 2 || interlace !== 0);
      const file = Buffer.from(small);
      file.set([depth, colour], 24);
      file[28] = interlace;
      file.writeUInt32BE(crc32(file.subarray(12, 29)), 29);
      await t.throwsAsync(readAll(file), png());
    }),
  );
});
