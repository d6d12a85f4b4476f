import test from 'ava';
import { markdown } from '../../../bench/harness/results.js';
import type { Result } from '../../../bench/harness/results.js';

const result: Result = {
  name: 'sample',
  summary: 'A sample.',
  quick: false,
  command: 'npm run bench -- sample',
  date: '2026-01-01T00:00:00.000Z',
  commit: 'abc',
  machine: { cpu: 'a CPU', cores: 2, memoryGiB: 4, kernel: 'Linux 6', node: 'v20.19.0', loadBefore: 0.1 },
  tookSeconds: 12,
  tables: [{ title: 'Speeds', columns: ['what', 'MB/s'], rows: [['this | that', 123.456]] }],
  targets: [{ what: 'speed', target: 'at least 200', measured: '123', met: false }],
  charts: [{ name: 'speed', svg: '<svg/>' }],
  notes: ['SKIPPED: scp is not installed.'],
};

test('a result says what was found, where, how, and what was missed', (t) => {
  const text = markdown(result);
  for (const said of [
    '| this \\| that | 123 |',
    '**missed**',
    '![speed](sample-speed.svg)',
    'SKIPPED: scp',
    'a CPU, 2 cores',
    '`npm run bench -- sample`',
  ]) {
    t.true(text.includes(said), said);
  }
});

test('another measurement of the same case has a name of its own', (t) => {
  const text = markdown({ ...result, variant: 'uneven' });
  t.true(text.startsWith('# sample-uneven\n'));
  t.true(text.includes('![speed](sample-uneven-speed.svg)'));
});

test('a quick run judges nothing', (t) => {
  const text = markdown({ ...result, quick: true });
  t.true(text.includes('not judged'));
  t.false(text.includes('missed'));
});
