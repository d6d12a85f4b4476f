import test from 'ava';
import fc from 'fast-check';
import { applyChange, mergeChanges, quotaMax } from '../../../../client/peer/rules/change.js';
import type { RightsChange, RightsState } from '../../../../client/peer/rules/change.js';

const count = fc.option(fc.nat({ max: 1000 }), { nil: undefined });
const change: fc.Arbitrary<RightsChange> = fc.record({
  views: count,
  add: count,
  expiresAtMs: fc.option(fc.option(fc.nat()), { nil: undefined }),
  revoke: fc.option(fc.boolean(), { nil: undefined }),
  batchViewsMax: fc.option(fc.nat({ max: 64 }), { nil: undefined }),
});
const state: fc.Arbitrary<RightsState> = fc.record({
  version: fc.integer({ min: 1, max: 1000 }),
  quota: fc.nat({ max: 1000 }),
  revoked: fc.boolean(),
  expiresAtMs: fc.option(fc.nat()),
  batchViewsMax: fc.nat({ max: 64 }),
});

test('a change makes the next version, and touches what it names alone', (t) => {
  const before = { version: 4, quota: 3, revoked: false, expiresAtMs: null, batchViewsMax: 0 };
  t.deepEqual(applyChange(before, { views: 7 }), { ...before, version: 5, quota: 7 });
  t.deepEqual(applyChange(before, { add: 2 }), { ...before, version: 5, quota: 5 });
  t.deepEqual(applyChange(before, { views: 1, add: 2 }), { ...before, version: 5, quota: 3 });
  t.deepEqual(applyChange(before, { revoke: true }), { ...before, version: 5, revoked: true });
  t.deepEqual(applyChange(before, { expiresAtMs: 9 }), { ...before, version: 5, expiresAtMs: 9 });
  t.deepEqual(applyChange(before, { batchViewsMax: 4 }), { ...before, version: 5, batchViewsMax: 4 });
  t.deepEqual(applyChange({ ...before, expiresAtMs: 9 }, { expiresAtMs: null }), { ...before, version: 5 });
});

test('to allow views is to take a revocation back; to allow none is not', (t) => {
  const revoked = { version: 2, quota: 3, revoked: true, expiresAtMs: null, batchViewsMax: 5 };
  t.false(applyChange(revoked, { add: 1 }).revoked);
  t.false(applyChange(revoked, { views: 1 }).revoked);
  t.true(applyChange(revoked, { views: 0 }).revoked);
  t.true(applyChange(revoked, { expiresAtMs: 5 }).revoked);
});

test('the quota stays one that rights can have', (t) => {
  fc.assert(
    fc.property(state, change, (before, wish) => {
      const { quota, version } = applyChange({ ...before, quota: before.quota * 1000 }, wish);
      t.true(quota >= 0 && quota <= quotaMax);
      t.is(version, before.version + 1);
    }),
  );
});

test('one merged change does what two did', (t) => {
  fc.assert(
    fc.property(state, change, change, (before, first, second) => {
      const twice = applyChange(applyChange(before, first), second);
      const once = applyChange(before, mergeChanges(first, second));
      t.deepEqual({ ...once, version: twice.version }, twice);
    }),
  );
});
