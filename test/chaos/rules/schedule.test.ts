import test from 'ava';
import fc from 'fast-check';
import { cycleMs, drawSchedule } from '../../../chaos/rules/schedule.js';
import type { Fault, Inventory } from '../../../chaos/rules/schedule.js';

const town: Inventory = {
  servers: ['s1', 's2', 's3'],
  clients: ['alice', 'bob', 'carol', 'dave'],
  members: ['etcd1', 'etcd2', 'etcd3'],
  disks: ['disk of cloud', 'disk of bob', 'disk of etcd1'],
  cables: ['cut', 'slow'],
};
const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const lengths = fc.integer({ min: 20_000, max: 4 * cycleMs });

test('it is a function of the seed', (t) => {
  t.deepEqual(drawSchedule(7, cycleMs, town), drawSchedule(7, cycleMs, town));
  t.notDeepEqual(drawSchedule(7, cycleMs, town), drawSchedule(8, cycleMs, town));
});

test('faults lie in their parts, parts one after the other, and all within the time there is', (t) => {
  fc.assert(
    fc.property(seeds, lengths, (seed, totalMs) => {
      let beforeMs = 0;
      for (const { fromMs, toMs, faults } of drawSchedule(seed, totalMs, town)) {
        t.true(beforeMs <= fromMs && fromMs < toMs && toMs <= totalMs + 1);
        for (const { atMs, forMs } of faults)
          t.true(atMs >= fromMs && forMs > 0 && atMs + forMs <= toMs + 0.001);
        beforeMs = toMs;
      }
    }),
  );
});

test('nobody is struck who lies on the ground', (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const faults = drawSchedule(seed, cycleMs, town).flatMap((part) => part.faults);
      for (const fault of faults) t.false(faults.some((other) => overlaps(fault, other)));
    }),
  );
});

function overlaps(fault: Fault, other: Fault): boolean {
  return (
    fault !== other &&
    other.target === fault.target &&
    other.atMs >= fault.atMs &&
    other.atMs < fault.atMs + fault.forMs - 0.001
  );
}

test('while servers are away in turn there is always one that is, for 20 seconds of a full cycle', (t) => {
  const [, rotation] = drawSchedule(3, cycleMs, town);
  t.is(rotation!.name, 'rotation');
  t.deepEqual(rotation!.faults.map(({ target }) => target).sort(), ['s1', 's2', 's3']);
  t.true(rotation!.faults.every(({ forMs }) => Math.abs(forMs - 20_000) < 1));
});

test('every kind of fault happens to everybody to whom it can, and none to whom it cannot', (t) => {
  const drawn = (who: Inventory) =>
    Array.from({ length: 40 }, (_, seed) => drawSchedule(seed, cycleMs, who))
      .flatMap((parts) => parts.flatMap((part) => part.faults))
      .map(({ kind, target }) => `${kind} ${target}`);
  const all = new Set(drawn(town));
  for (const name of [...town.servers, ...town.clients])
    for (const kind of ['kill', 'stop', 'cut', 'slow']) t.true(all.has(`${kind} ${name}`), `${kind} ${name}`);
  for (const name of town.members) t.true(all.has(`kill ${name}`) && !all.has(`cut ${name}`));
  for (const name of town.disks) t.true(all.has(`full ${name}`));
  const bare = drawn({ ...town, members: [], disks: [], cables: [] });
  t.false(bare.some((each) => /cut|slow|full|etcd/.test(each)));
});
