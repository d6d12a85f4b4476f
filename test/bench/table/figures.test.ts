import test from 'ava';
import type { Sitting } from '../../../bench/table/bed.js';
import { figuresOf, middle } from '../../../bench/table/figures.js';

const used = { cpuMs: 300, elapsedMs: 1000, delayP99Ms: 1, residentBytes: 1, peakBytes: 1 };
const sitting: Sitting = {
  policy: 'ring',
  byClient: [
    [
      { tookMs: 125, leader: 's1' },
      { tookMs: 375, leader: 's2' },
    ],
    [
      { tookMs: 250, leader: 's1' },
      { tookMs: 250, leader: '', failure: 'lost' },
    ],
  ],
  wallMs: 500,
  used: { s1: used, owner: used },
};

test('seconds by client, requests a second of all, and who led', (t) => {
  const figures = figuresOf('ring', [sitting, sitting]);
  t.deepEqual(figures.byClient, [0.25, 0.25]);
  t.is(figures.average, 0.25);
  t.is(figures.throughput, 8);
  t.deepEqual(figures.led, { s1: 4, s2: 2 });
  t.deepEqual(figures.failed, ['lost', 'lost']);
  t.is(figures.cpu, 0.15);
});

test('of one server for all, the one in the middle counts', (t) => {
  const at = (policy: string, tookMs: number) =>
    figuresOf(policy, [{ ...sitting, byClient: [[{ tookMs, leader: policy }]] }]);
  t.is(middle([at('none:s1', 900), at('none:s2', 100), at('none:s3', 400)]).policy, 'none:s3');
});
