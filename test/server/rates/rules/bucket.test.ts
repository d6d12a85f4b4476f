import test from 'ava';
import fc from 'fast-check';
import type { Bucket, Rate } from '../../../../server/rates/rules/bucket.js';
import { take } from '../../../../server/rates/rules/bucket.js';

const rates = fc.record({
  perSecond: fc.integer({ min: 1, max: 1_000 }),
  burst: fc.integer({ min: 1, max: 1_000 }),
});

/** Asks after each of the pauses; how many were let through, and when the last asked. */
function asking(
  rate: Rate,
  pausesMs: readonly number[],
): { readonly taken: number; readonly lastMs: number } {
  let bucket: Bucket | undefined;
  let taken = 0;
  let nowMs = 0;
  for (const pauseMs of pausesMs) {
    nowMs += pauseMs;
    const outcome = take(bucket, rate, nowMs);
    if (!outcome.ok) continue;
    bucket = outcome.bucket;
    taken += 1;
  }
  return { taken, lastMs: nowMs };
}

test('nobody gets more than the burst and the rate allow, and who stays below is never refused', (t) => {
  fc.assert(
    fc.property(rates, fc.array(fc.nat(50), { maxLength: 3_000 }), (rate, pausesMs) => {
      const { taken, lastMs } = asking(rate, pausesMs);
      t.true(taken <= rate.burst + (lastMs * rate.perSecond) / 1_000 + 1e-6);
      const slow = pausesMs.map((pauseMs) => pauseMs + 1_000 / rate.perSecond + 1e-6);
      t.is(asking(rate, slow).taken, pausesMs.length);
    }),
  );
});

test('after the wait that was told there is one', (t) => {
  fc.assert(
    fc.property(rates, fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(10_000), (rate, left, atMs) => {
      const bucket = { left, atMs };
      const refused = take(bucket, rate, atMs);
      t.false(refused.ok);
      if (!refused.ok) t.true(take(bucket, rate, atMs + refused.waitMs).ok);
    }),
  );
});

test('a clock that is set back gives nothing', (t) => {
  const rate = { perSecond: 10, burst: 1 };
  const first = take(undefined, rate, 1_000);
  t.true(first.ok);
  if (!first.ok) return;
  t.false(take(first.bucket, rate, 0).ok);
  t.is(take({ left: 1, atMs: 1_000 }, rate, 0).ok && asking(rate, [0, 0]).taken, 1);
});
