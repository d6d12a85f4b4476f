import test from 'ava';
import fc from 'fast-check';
import { OUTBOX_BACKOFF, backoffMs, due, supersedes } from '../../../../client/vault/rules/outbox.js';
import type { OutboxKind, Queued } from '../../../../client/vault/rules/outbox.js';

const kinds: readonly OutboxKind[] = ['rights-put', 'deliver', 'report-delivery'];

const grant = (mark: number) => new Uint8Array(16).fill(mark);
const item = (id: number, kind: OutboxKind, version: number, mark = 1, dueAtMs = 0): Queued => ({
  id,
  kind,
  grantId: grant(mark),
  version,
  dueAtMs,
});

const queued = fc.record({
  id: fc.nat(1000),
  kind: fc.constantFrom(...kinds),
  grantId: fc.nat(2).map(grant),
  version: fc.integer({ min: 1, max: 4 }),
  dueAtMs: fc.nat(100),
});
const queue = fc.uniqueArray(queued, { selector: ({ id }) => id, maxLength: 12 });

test('newer rights of a grant supersede older ones of the same kind, and nothing else', (t) => {
  t.true(supersedes(item(2, 'rights-put', 3), item(1, 'rights-put', 2)));
  t.true(supersedes(item(2, 'rights-put', 2), item(1, 'rights-put', 2)), 'the owner changed her mind');
  t.false(
    supersedes(item(2, 'rights-put', 2), item(1, 'rights-put', 3)),
    'an old update never undoes a newer one',
  );
  t.false(
    supersedes(item(2, 'rights-put', 3), item(1, 'deliver', 2)),
    'what the ledger has may be delivered',
  );
  t.false(supersedes(item(2, 'rights-put', 3, 2), item(1, 'rights-put', 2, 1)), 'grants are apart');
});

test('nothing goes to the viewer before the ledger has the rights', (t) => {
  const items = [
    item(1, 'deliver', 1),
    item(2, 'rights-put', 2),
    item(3, 'report-delivery', 2),
    item(4, 'deliver', 2, 2),
  ];
  t.deepEqual(
    due(items, 0).map(({ id }) => id),
    [1, 2, 4],
  );
  t.deepEqual(
    due([items[0]!, items[2]!], 0).map(({ id }) => id),
    [1, 3],
  );
});

test('due: in order, due, unblocked', (t) => {
  fc.assert(
    fc.property(queue, fc.nat(100), (items, now) => {
      const ready = due(items, now);
      const ids = ready.map(({ id }) => id);
      t.deepEqual(
        ids,
        [...ids].sort((one, other) => one - other),
      );
      for (const one of ready) {
        t.true(one.dueAtMs <= now);
        if (one.kind === 'rights-put') continue;
        const before = items.filter(
          (other) =>
            other.kind === 'rights-put' &&
            other.grantId[0] === one.grantId[0] &&
            other.version <= one.version,
        );
        t.deepEqual(before, []);
      }
    }),
  );
});

test('a queue that is not empty always has something that will be tried', (t) => {
  fc.assert(
    fc.property(queue, (items) => {
      t.is(due(items, 100).length > 0, items.length > 0);
    }),
  );
});

test('backoff grows, stays within its bounds, and never overflows', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (n, chance) => {
        const pause = backoffMs(n, chance);
        t.true(pause >= OUTBOX_BACKOFF.firstMs / 2 && pause <= OUTBOX_BACKOFF.longestMs);
        t.true(backoffMs(n + 1, chance) >= pause);
      },
    ),
  );
});
