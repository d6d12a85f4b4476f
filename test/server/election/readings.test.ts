import test from 'ava';
import { machineCores } from '../../../server/election/capacity.js';
import { roundSpeed, smooth, told, watchReadings } from '../../../server/election/readings.js';
import type { Reading } from '../../../server/election/ring/state.js';

const idle = { cores: 4, allCores: 0, ownCores: 0 };

test('what the process itself uses is no background', (t) => {
  const reading = smooth(undefined, { cores: 4, allCores: 3, ownCores: 2 }, 1);
  t.is(reading.backgroundCores, 1);
  t.is(reading.cpu, 0.75);
});

test('a load that comes or goes is followed step by step', (t) => {
  const before = smooth(undefined, idle, 1);
  const once = smooth(before, { cores: 4, allCores: 4, ownCores: 0 }, 1);
  const twice = smooth(once, { cores: 4, allCores: 4, ownCores: 0 }, 1);
  t.true(0 < once.backgroundCores && once.backgroundCores < twice.backgroundCores);
  t.true(twice.backgroundCores < 4);
});

test('meters that disagree cannot make it negative, or more than the machine', (t) => {
  t.is(smooth(undefined, { cores: 4, allCores: 1, ownCores: 2 }, 1).backgroundCores, 0);
  t.is(smooth(undefined, { cores: 4, allCores: 9, ownCores: 0 }, 1).backgroundCores, 4);
});

test('a quota that changes is the capacity at once', (t) => {
  const before = smooth(undefined, { cores: 0.24, allCores: 0.1, ownCores: 0.1 }, 1);
  t.is(smooth(before, { cores: 0.12, allCores: 0.1, ownCores: 0.1 }, 1).cores, 0.12);
});

test('noise is rounded away', (t) => {
  const reading = { backgroundCores: 0.11, cores: 4, speed: 1, cpu: 0.1 };
  t.is(told(reading).backgroundCores, 0);
  t.is(roundSpeed(0.93), 1);
  t.is(roundSpeed(1.07), 1);
  t.is(roundSpeed(2.1), 1.25 ** 3);
});

test('this machine is measured, and goes on being measured until the signal', async (t) => {
  const ended = new AbortController();
  let first: unknown;
  const next = new Promise((resolve, reject) => {
    watchReadings({ signal: ended.signal, onReading: resolve, onFailure: reject })
      .then((reading) => (first = reading))
      .catch(reject);
  });
  const reading = await next;
  ended.abort();
  for (const one of [first, reading] as Reading[]) {
    t.true(one.speed > 0 && Number.isFinite(one.speed));
    t.true(one.cores > 0 && one.cores <= machineCores());
    t.true(one.backgroundCores >= 0 && one.backgroundCores <= one.cores);
    t.true(one.cpu >= 0 && one.cpu <= 1);
  }
});
