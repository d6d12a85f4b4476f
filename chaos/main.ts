/**
 * npm run chaos: real servers and clients, real faults, and a checker of all they said. It exits 1 on any violation.
 * docs/reliability.md.
 */
import { setMaxListeners } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Command, InvalidArgumentError, Option } from 'commander';
import { commit, machine } from '../bench/harness/machine.js';
import { inWords, reportOf } from './report.js';
import type { Operation } from './rules/history.js';
import { drawTimeline } from './rules/timeline.js';
import { runChaos } from './run.js';

interface Asked {
  readonly minutes: number;
  readonly seed: number;
  readonly store: 'sqlite' | 'etcd';
  readonly servers: number;
  readonly clients: number;
  readonly report?: string;
}

const number =
  (least: number, most: number, isWhole = true) =>
  (typed: string): number => {
    const value = Number(typed);
    if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`It must be a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}.`);
  };

const asked = new Command('npm run chaos --')
  .description('Kills, stops, cuts off and fills what is used all the time, and checks what came of it.')
  .option('--minutes <m>', 'for how long', number(0.1, 24 * 60, false), 3)
  .option(
    '--seed <s>',
    'what goes wrong when is a function of it',
    number(0, 2 ** 31),
    Date.now() % 1_000_000,
  )
  .addOption(
    new Option('--store <store>', 'sqlite, or an etcd of three members')
      .choices(['sqlite', 'etcd'])
      .default('sqlite'),
  )
  .option('--servers <n>', 'how many', number(3, 9), 3)
  .option('--clients <n>', 'how many', number(4, 8), 4)
  .option('--report <file>', 'where the report goes, as JSON; a timeline goes beside it, as SVG')
  .addHelpText(
    'after',
    '\nExample:\n  npm run chaos -- --minutes 10 --seed 7 --store etcd --report chaos.json',
  )
  .parse()
  .opts<Asked>();

const interrupted = new AbortController();
// Every fault that waits for its time listens.
setMaxListeners(0, interrupted.signal);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

const { minutes, seed, store, servers, clients } = asked;
const provenance = { date: new Date().toISOString(), commit: commit(), machine: machine() };
const folder = await mkdtemp(path.join(os.tmpdir(), 'glimpse-chaos-'));
const note = (text: string): void => void process.stderr.write(`${text}\n`);
note(`seed ${seed}, in ${folder}`);
const outcome = await runChaos({
  ...{ minutes, seed, etcd: store === 'etcd', servers, clients, folder, signal: interrupted.signal, note },
});
const report = reportOf(outcome, { seed, minutes, store, servers, clients, ...provenance });
if (asked.report !== undefined) {
  await writeFile(asked.report, `${JSON.stringify(report, undefined, 2)}\n`);
  await writeFile(`${asked.report.replace(/\.json$/, '')}.svg`, drawTimeline(outcome));
}
process.stdout.write(inWords(report));
if (report.violations.length > 0) {
  process.exitCode = 1;
  await writeHistory(outcome.operations, path.join(folder, 'operations.jsonl.gz'));
  note(`what was there is in ${folder}`);
} else {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** One operation a line: all of an hour are more than one string can hold. */
async function writeHistory(operations: readonly Operation[], file: string): Promise<void> {
  const lines = function* (): Generator<string> {
    for (const operation of operations) yield `${JSON.stringify(operation)}\n`;
  };
  await pipeline(lines, createGzip(), createWriteStream(file));
}
