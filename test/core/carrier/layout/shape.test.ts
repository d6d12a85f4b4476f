import test from 'ava';
import fc from 'fast-check';
import {
  capacity,
  lowBytes,
  shapeAllowed,
  shapeFor,
  slotRows,
} from '../../../../core/carrier/layout/shape.js';
import { LIMITS } from '../../../../core/limits.js';

const payloadBytes = fc.oneof(
  fc.integer({ min: 1, max: LIMITS.payloadBytesMax }),
  fc.integer({ min: 1, max: 100_000 }),
  fc.constant(LIMITS.payloadBytesMax),
);
const proportions = fc.oneof(
  fc.constantFrom(1, 1.5, 2 / 3, 16 / 9, 1e-6, 1e6),
  fc.double({ min: 0.01, max: 100, noNaN: true }),
);

test('every payload has a shape that a reader takes and that it just fits', (t) => {
  fc.assert(
    fc.property(payloadBytes, proportions, (bytes, ratio) => {
      const shape = shapeFor(bytes, ratio);
      t.true(shapeAllowed(shape), JSON.stringify(shape));
      t.true(capacity(shape) >= bytes);
      t.true(shape.height === 64 || capacity(shape) - bytes < lowBytes(shape.width));
    }),
  );
});

test('no other width is nearer to the proportions', (t) => {
  fc.assert(
    fc.property(payloadBytes, proportions, fc.integer({ min: 64, max: 16_384 }), (bytes, ratio, width) => {
      const height = Math.max(64, slotRows(width) + Math.ceil(bytes / lowBytes(width)));
      fc.pre(height <= 16_384);
      const chosen = shapeFor(bytes, ratio);
      const distance = (one: number) => Math.abs(Math.log(one / ratio));
      t.true(distance(chosen.width / chosen.height) <= distance(width / height) + 1e-12);
    }),
  );
});

test('ordinary shapes', (t) => {
  t.deepEqual(shapeFor(4_194_304, 1.5), { width: 1_449, height: 966 });
  t.deepEqual(shapeFor(1, 1), { width: 64, height: 64 });
  t.deepEqual(shapeFor(LIMITS.payloadBytesMax, 1e6), { width: 16_384, height: 1_368 });
});
