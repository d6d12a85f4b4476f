import test from 'ava';
import * as fc from 'fast-check';
import { median, plain, quantile, spread, withRange } from '../../../bench/harness/spread.js';

test('the spread of a few figures', (t) => {
  t.deepEqual(spread([4, 1, 3, 2]), {
    median: 2.5,
    min: 1,
    lowerQuartile: 1.75,
    upperQuartile: 3.25,
    max: 4,
    count: 4,
  });
  t.is(median([7]), 7);
  t.throws(() => median([]), { instanceOf: RangeError });
});

test('a quantile lies among the figures, and rises with its part', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (figures, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        const slack = 1e-6;
        return (
          quantile(figures, low) <= quantile(figures, high) + slack &&
          quantile(figures, low) >= Math.min(...figures) - slack &&
          quantile(figures, high) <= Math.max(...figures) + slack
        );
      },
    ),
  );
  t.pass();
});

test('figures are written in three digits', (t) => {
  t.is(plain(1.23456), '1.23');
  t.is(plain(1234567.8), '1,234,568');
  t.is(plain(0), '0');
  t.is(plain(Infinity), '∞');
  t.is(withRange(spread([1, 2, 3])), '2 (1-3)');
});
