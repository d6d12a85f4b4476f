import { constants, crc32, inflateRawSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { adler32 } from '../../../../core/carrier/layout/adler.js';
import { lowBytesOf, makeBand } from '../../../../core/carrier/layout/band.js';
import { bandRows } from '../../../../core/carrier/layout/chunks.js';
import { LIMITS } from '../../../../core/limits.js';
import { patterned, same } from '../../streams.js';

const tasks = fc.record({
  width: fc.integer({ min: 64, max: 300 }),
  rows: fc.integer({ min: 1, max: 20 }),
  compression: fc.constantFrom('fast' as const, 'small' as const),
  last: fc.boolean(),
  seed: fc.nat(),
});

/** The rows as a general decoder sees them, filters undone. W3C PNG, third edition, section 9.2. */
function samplesOf(rows: Uint8Array, width: number): Uint8Array {
  const bytes = 6 * width;
  const samples = new Uint8Array((rows.length / (1 + bytes)) * bytes);
  for (let from = 0, to = 0; from < rows.length; from += 1 + bytes, to += bytes) {
    samples.set(rows.subarray(from + 1, from + 1 + bytes), to);
    if (rows[from] === 1) {
      for (let at = to + 6; at < to + bytes; at += 1) samples[at] = samples[at]! + samples[at - 6]!;
    }
  }
  return samples;
}

test('a band holds its cover and its data, and ends on a byte', (t) => {
  fc.assert(
    fc.property(tasks, ({ width, rows, compression, last, seed }) => {
      const cover = patterned(rows * 3 * width, seed);
      const low = patterned(rows * 3 * width, seed + 1);
      const band = makeBand({ cover, low, width, compression, last });
      const chunk = Buffer.from(band.chunk);
      t.is(chunk.readUInt32BE(), chunk.length - 12);
      t.is(chunk.readUInt32BE(chunk.length - 4), crc32(chunk.subarray(4, -4)));

      // What follows a band that is not the last must inflate as if nothing were before it.
      const data = chunk.subarray(8, -4);
      const all = last ? data : Buffer.concat([data, Uint8Array.of(1, 0, 0, 255, 255)]);
      const inflated = inflateRawSync(all, { finishFlush: constants.Z_FINISH });
      t.is(inflated.length, band.rowsBytes);
      t.is(adler32(inflated), band.adler);
      t.true(same(lowBytesOf(inflated, width)!, low));
      const samples = samplesOf(inflated, width);
      t.true(
        same(
          samples.filter((_, at) => at % 2 === 0),
          cover,
        ),
      );
      t.true(
        same(
          samples.filter((_, at) => at % 2 === 1),
          low,
        ),
      );
    }),
  );
});

test('a full band of noise stays within an IDAT, at any width', (t) => {
  for (const width of [64, 1_449, 16_384]) {
    const bytes = bandRows(width) * 3 * width;
    const [cover, low] = [patterned(bytes, 1), patterned(bytes, 2)];
    for (const compression of ['fast', 'small'] as const) {
      const { chunk, rowsBytes } = makeBand({ cover, low, width, compression, last: false });
      t.true(chunk.length - 12 <= LIMITS.idatBytesMax);
      t.true(rowsBytes <= LIMITS.idatBytesMax);
    }
  }
});

test('rows of other filters are not read', (t) => {
  for (const filter of [2, 3, 4, 5, 255]) {
    t.is(lowBytesOf(Uint8Array.of(filter, ...new Uint8Array(6 * 64)), 64), undefined);
  }
});

test('what is no whole rows makes no band', (t) => {
  const part = new Uint8Array(100);
  const whole = new Uint8Array(3 * 64);
  for (const [cover, low] of [
    [part, part],
    [part, whole],
    [whole, part],
  ] as const)
    t.throws(() => makeBand({ cover, low, width: 64, compression: 'fast', last: true }));
});
