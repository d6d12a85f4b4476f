/** The ring under seeded faults. A failing seed prints its knobs; `npm run sim -- --seed S --trace` shows the run. */
import test from 'ava';
import { step } from '../../../../server/election/ring/step.js';
import { resending } from './planted.js';
import { describeKnobs, drawKnobs, simulate } from '../../../../server/election/simulator/run.js';
import type { Options, Run } from '../../../../server/election/simulator/run.js';

/** Some twenty seconds on one core; `npm run sim -- --seeds N` goes on. */
const budget = { lots: 4, faultyInEach: 200, calm: 300 };

function seeds(first: number, count: number, options: Omit<Options, 'seed'>): readonly Run[] {
  return Array.from({ length: count }, (_, index) => simulate({ ...options, seed: first + index }));
}

const report = ({ breach, knobs }: Run) => `${breach}\n${describeKnobs(knobs)}`;
const total = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);

for (let lot = 0; lot < budget.lots; lot++) {
  const first = 1 + lot * budget.faultyInEach;
  test(`whatever fails, what must hold does, and the ring heals: from seed ${first}`, (t) => {
    const runs = seeds(first, budget.faultyInEach, {});
    t.deepEqual(runs.filter(({ breach }) => breach !== undefined).map(report), []);
    t.true(total(runs.map(({ mints }) => mints)) > runs.length, 'faults made tokens be minted');
    t.true(total(runs.map(({ waits }) => waits.length)) > 5 * runs.length, 'requests were granted');
  });
}

test('a ring of twenty holds and heals too', (t) => {
  const runs = seeds(1, 5, { members: [20, 20] });
  t.deepEqual(runs.filter(({ breach }) => breach !== undefined).map(report), []);
});

test('every kind of fault is drawn', (t) => {
  const drawn = new Set(
    Array.from({ length: 500 }, (_, seed) => drawKnobs({ seed }).faults)
      .flat()
      .map(({ fault }) => fault.type),
  );
  t.deepEqual([...drawn].sort(), [
    'clock',
    'cut',
    'disconnect',
    'doubling',
    'drain',
    'join',
    'kill',
    'leave',
    'loss',
    'sever',
    'shuffling',
    'slowStore',
    'split',
    'stop',
    'store',
  ]);
});

test('when nothing fails, an election takes at most 2n messages and two laps', (t) => {
  const runs = seeds(1, budget.calm, { calm: true });
  t.deepEqual(runs.filter(({ breach }) => breach !== undefined).map(report), []);
  t.true(runs.every(({ mints }) => mints >= 1));
});

test('a bypass that sends the token again is found out: two leaders for one term', (t) => {
  const breaches = new Set<string>();
  let seed = 0;
  while (breaches.size === 0 && seed < 2000) {
    const { breach } = simulate({ seed: ++seed, step: resending(step) });
    if (breach && /^two leaders for|hold the token at/.test(breach)) breaches.add(breach);
  }
  t.log(`seed ${seed}: ${[...breaches].join()}`);
  t.is(breaches.size, 1);
});

test('the same seed gives the same run', (t) => {
  const traceOf = (seed: number) => {
    const lines: string[] = [];
    simulate({ seed, trace: (line) => lines.push(line) });
    return lines;
  };
  t.deepEqual(traceOf(7), traceOf(7));
  t.notDeepEqual(traceOf(7), traceOf(8));
});
