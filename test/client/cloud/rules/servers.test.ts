import test from 'ava';
import fc from 'fast-check';
import { demote, learn, shuffled } from '../../../../client/cloud/rules/servers.js';

const addresses = fc.uniqueArray(fc.stringMatching(/^[a-d]{1,3}:[1-9]$/), { maxLength: 8 });

test('who fails is asked last, and nobody is lost by it', (t) => {
  fc.assert(
    fc.property(addresses, fc.nat(), (order, at) => {
      const failed = order[at % Math.max(1, order.length)];
      if (failed === undefined) return;
      const after = demote(order, failed);
      t.is(after.at(-1), failed);
      t.deepEqual([...after].sort(), [...order].sort());
    }),
  );
  t.deepEqual(demote(['a:1'], 'b:1'), ['a:1']);
});

test('what servers tell is added; whom they do not tell of is kept, last', (t) => {
  fc.assert(
    fc.property(addresses, addresses, (order, told) => {
      const after = learn(order, told, 64);
      t.deepEqual([...after].sort(), [...new Set([...order, ...told])].sort());
      const untold = order.filter((address) => !told.includes(address));
      t.deepEqual(after.slice(after.length - untold.length), untold);
    }),
  );
  t.deepEqual(learn(['a:1', 'b:1'], ['c:1', 'b:1'], 2), ['b:1', 'c:1'], 'bounded');
});

test('clients begin at servers drawn by chance', (t) => {
  fc.assert(
    fc.property(addresses, fc.array(fc.double({ min: 0, max: 0.999, noNaN: true })), (order, chances) => {
      let at = 0;
      const drawn = shuffled(order, () => chances[at++] ?? 0);
      t.deepEqual([...drawn].sort(), [...order].sort());
    }),
  );
});
