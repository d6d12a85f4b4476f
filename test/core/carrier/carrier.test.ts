import { randomUUID } from 'node:crypto';
import { open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { coverOf } from '../../../core/carrier/cover.js';
import { snapshot } from '../../../core/carrier/encapsulate.js';
import { readCarrier } from '../../../core/carrier/read.js';
import { bytesSource, fileSource } from '../../../core/carrier/source.js';
import { writeCarrier } from '../../../core/carrier/write.js';
import { collect, cutAt, inChunks, patterned, places, same } from '../streams.js';
import { carrierOf, coverFor, slot, writingOf } from './samples.js';

const compression = fc.constantFrom('fast' as const, 'small' as const);
const otherSlot = patterned(2_048, 5);

const payloadOf = async (file: Uint8Array, bytes: number) =>
  collect((await readCarrier(bytesSource(file))).payload(bytes));

async function withFile<T>(bytes: Uint8Array, use: (name: string) => Promise<T>): Promise<T> {
  const name = path.join(tmpdir(), `${randomUUID()}.png`);
  await writeFile(name, bytes);
  try {
    return await use(name);
  } finally {
    await rm(name);
  }
}

test('a payload comes back, whatever its length, the proportions and the cuts', async (t) => {
  const cases = fc
    .integer({ min: 1, max: 60_000 })
    .chain((bytes) => fc.tuple(fc.constant(patterned(bytes, bytes)), places(bytes), compression));
  await fc.assert(
    fc.asyncProperty(cases, async ([payload, cuts, how]) => {
      const file = await carrierOf(payload, how, { payload: cutAt(payload, cuts) });
      const carrier = await readCarrier(bytesSource(file));
      t.false(carrier.resaved);
      t.true(same(carrier.slot, slot));
      t.true(same(await collect(carrier.payload(payload.length)), payload));
      t.true(same(await collect(carrier.payload(payload.length)), payload), 'and again');
    }),
    { numRuns: 40 },
  );
});

test('several bands, made in any order, are one picture', async (t) => {
  const payload = patterned(1_700_000, 1);
  for (const how of ['fast', 'small'] as const) {
    const file = await carrierOf(payload, how, { bandsAhead: 3 });
    t.true(same(await carrierOf(payload, how, { bandsAhead: 1, payload: inChunks(payload, 999) }), file));
    t.true(same(await payloadOf(file, payload.length), payload));
    const { shape } = await readCarrier(bytesSource(file));
    t.true(same(await sharp(file).raw().toBuffer(), coverFor(shape)), 'libvips shows the cover, bit for bit');
  }
});

test('the shown picture is the cover', async (t) => {
  const file = await carrierOf(patterned(9_000, 1), 'small');
  const { shape } = await readCarrier(bytesSource(file));
  const png = await coverOf(bytesSource(file));
  t.is((await sharp(png).metadata()).depth, 'uchar');
  t.true(same(await sharp(png).raw().toBuffer(), coverFor(shape)));
});

test('a payload longer or shorter than said is not written', async (t) => {
  const payload = patterned(9_000, 1);
  for (const payloadBytes of [8_999, 9_001]) {
    const writing = writingOf(payload, 'fast', { payloadBytes });
    await t.throwsAsync(collect(writeCarrier(writing)), { message: /not as long/ });
  }
});

test('a band that cannot be made ends the writing', async (t) => {
  const makeBand = () => Promise.reject(new Error('no worker'));
  const writing = writingOf(patterned(1_700_000, 1), 'fast', { makeBand });
  await t.throwsAsync(collect(writeCarrier(writing)), { message: 'no worker' });
});

test('a capsule is put in as if it had been there from the beginning', async (t) => {
  for (const bytes of [5_000, 1_100_000]) {
    const payload = patterned(bytes, 3);
    const before = await carrierOf(payload, 'small');
    const after = await carrierOf(payload, 'small', { slot: otherSlot });
    await withFile(before, async (name) => {
      const file = await open(name, 'r+');
      t.true(same(await collect((await snapshot(await fileSource(file), otherSlot))()), after));
      t.true(same(await file.readFile(), before), 'a snapshot writes nothing');
      t.true(same((await readCarrier(bytesSource(after))).slot, otherSlot));
      await file.close();
    });
  }
});

test('a snapshot goes on from any offset', async (t) => {
  const source = bytesSource(await carrierOf(patterned(40_000, 3), 'fast'));
  const bytes = await snapshot(source, otherSlot);
  const whole = await collect(bytes());
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (from) => {
      t.true(same(await collect(bytes(from)), whole.subarray(from)));
    }),
  );
  t.is((await collect(bytes(whole.length))).length, 0);
  t.is((await collect(bytes(whole.length + 9))).length, 0);
});
