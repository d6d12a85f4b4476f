/** Whatever is packed for the way to the thread and back is the same when it is unpacked. */
import test from 'ava';
import fc from 'fast-check';
import type { EngineWrite, Outcome, Transaction } from '../../../../server/store/sqlite/engine.js';
import {
  packOutcomes,
  packTransactions,
  unpackOutcomes,
  unpackTransactions,
} from '../../../../server/store/sqlite/packing.js';

const key = fc.stringMatching(/^[!-~]{1,20}$/);
const value = fc.uint8Array({ maxLength: 40 });
const revision = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const lease = fc.option(fc.uuid(), { nil: null });
const write: fc.Arbitrary<EngineWrite> = fc.oneof(
  fc.record({ type: fc.constant('put' as const), key, value, lease, quiet: fc.boolean() }),
  fc.record({ type: fc.constant('delete' as const), key, quiet: fc.boolean() }),
);
const transaction: fc.Arbitrary<Transaction> = fc.record({
  compares: fc.array(fc.record({ key, revision }), { maxLength: 4 }),
  writes: fc.array(write, { maxLength: 4 }),
});
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant('lease-ended' as const),
  fc.constant({ ok: false as const }),
  fc.record({ ok: fc.constant(true as const), revision }),
);

const arrived = <T>(message: T): T => structuredClone(message);

test('transactions', (t) => {
  fc.assert(
    fc.property(fc.array(transaction, { maxLength: 8 }), (transactions) => {
      t.deepEqual(unpackTransactions(arrived(packTransactions(transactions))), transactions);
    }),
  );
});

test('outcomes', (t) => {
  fc.assert(
    fc.property(fc.array(outcome), (outcomes) => {
      t.deepEqual(unpackOutcomes(arrived(packOutcomes(outcomes))), outcomes);
    }),
  );
});
