import test from 'ava';
import type { Sitting } from '../../../bench/table/bed.js';
import { comparedOf } from '../../../bench/table/figures.js';
import { photoSizes } from '../../../bench/table/photos.js';
import { report } from '../../../bench/table/report.js';

const used = { cpuMs: 300, elapsedMs: 1000, delayP99Ms: 1, residentBytes: 1, peakBytes: 1 };

/** A policy whose requests took so long, by round. */
const took = (policy: string, ...rounds: readonly number[]) =>
  comparedOf(
    policy,
    rounds.map((tookMs): Sitting => {
      const requests = [{ tookMs, leader: 's1' }];
      return { policy, byClient: [requests, requests, requests], wallMs: tookMs, used: { s1: used } };
    }),
  );

const setting = { size: photoSizes[1]!, owners: 1, quotas: [0.1, 0.16, 0.24], requests: 3 };
const figures = [
  took('none:s1', 400, 800, 400),
  took('none:s2', 300, 640, 300),
  took('none:s3', 100, 100, 100),
  took('robin', 120, 210, 130),
  took('ring', 100, 400, 100),
];

test('ratios are taken within a round, against the server in the middle', (t) => {
  const { targets } = report(figures, setting);
  t.deepEqual(
    targets?.map(({ measured, met }) => [measured, met]),
    [
      ['3 (1.6-3) times', true],
      ['1.2 (0.525-1.3) times', true],
    ],
  );
});

test('a slow round is shown as a spread, and what balancing gains stands beside the original’s', (t) => {
  const { tables } = report(figures, setting);
  const cells = tables.flatMap(({ rows }) => rows.map((row) => row.join(' | ')));
  t.true(cells.some((row) => row.startsWith('ring | 0.1 (0.1-0.4) | 0.1 (0.1-0.4)')));
  t.true(cells.some((row) => row.startsWith('gain by balancing | 1.44 times') && row.includes('3 (1.6-3)')));
});
