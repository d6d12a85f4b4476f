/**
 * Runs that failed once, as the simulator wrote them down, run again: they hold by now. One that was written down
 * with a bug planted still fails with it, so a record does say what happened.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { step } from '../../../../server/election/ring/step.js';
import { readRecord, recordOf, writeRecord } from '../../../../server/election/simulator/record.js';
import { drawKnobs, simulate } from '../../../../server/election/simulator/run.js';
import { resending } from './planted.js';

const folder = path.join('test', 'server', 'election', 'records');

for (const file of readdirSync(folder)) {
  test(`holds by now: ${file}`, (t) => {
    const { knobs } = readRecord(readFileSync(path.join(folder, file), 'utf8'));
    t.is(simulate({ seed: knobs.seed, knobs }).breach, undefined);
  });
}

test('a record with a bug planted fails as it did, to the line', (t) => {
  const { knobs, breach, trace } = readRecord(
    readFileSync(path.join(folder, 'token-sent-again.json'), 'utf8'),
  );
  const lines: string[] = [];
  const run = simulate({ seed: knobs.seed, knobs, step: resending(step), trace: (line) => lines.push(line) });
  t.is(run.breach, breach);
  t.deepEqual(recordOf(run, lines).trace, trace);
});

test('knobs that were written down are read as they were', (t) => {
  const knobs = drawKnobs({ seed: 11 });
  const record = { breach: 'one', knobs, trace: ['0.00 a starts'] };
  t.deepEqual(readRecord(writeRecord(record)), record);
});
