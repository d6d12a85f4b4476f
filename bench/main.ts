/**
 * npm run bench: measures what docs/performance.md quotes. It exits 1 only if a case could not run or gave a wrong
 * result; a missed target is reported, and is no failure.
 */
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { letHeapGrow } from '../core/heap.js';
import { cases } from './cases.js';
import type { BenchCase } from './harness/case.js';
import { countOf } from './harness/options.js';
import { runCase } from './harness/run-case.js';
import { markdown, resultName } from './harness/results.js';

interface Common {
  readonly quick?: boolean;
  readonly results?: string;
  readonly rounds?: number;
}

letHeapGrow(); // as the product's programs do, whose work some cases do in this process

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('It was interrupted.')));
process.once('SIGTERM', () => interrupted.abort(new Error('It was interrupted.')));

const program = new Command('npm run bench --')
  .description('Measures Glimpse, side by side with what it is compared to.')
  .argument('[name]', 'the case; several with --quick, or none for all')
  .argument('[rest...]', 'what the case can be told: NAME --help')
  .option('--quick', 'every case small, for its correctness and never for its time')
  .option('--results <folder>', 'where results go; a temporary folder with --quick, otherwise bench/results')
  .option('--list', 'list the cases')
  .passThroughOptions()
  .addHelpText('after', '\nExamples:\n  npm run bench -- hide --rounds 3\n  npm run bench -- --quick')
  .action(async (name: string | undefined, rest: readonly string[], given: Common & { list?: boolean }) => {
    if (given.list === true) await list();
    else if (given.quick === true)
      await quick(name === undefined ? [...cases.keys()] : [name, ...rest], given);
    else if (name === undefined) program.help({ error: true });
    else await one(name, rest, given);
  });
await program.parseAsync();

async function list(): Promise<void> {
  for (const name of cases.keys()) {
    const { summary } = await caseOf(name);
    process.stdout.write(`${name.padEnd(10)} ${summary}\n`);
  }
}

/** One case after the other, all of them even if one fails. */
async function quick(names: readonly string[], given: Common): Promise<void> {
  const found = await Promise.all(names.map(caseOf));
  for (const benchCase of found) {
    if (interrupted.signal.aborted) return;
    await perform(benchCase, [], { ...given, quick: true });
  }
}

async function one(name: string, rest: readonly string[], given: Common): Promise<void> {
  await perform(await caseOf(name), rest, given);
}

async function caseOf(name: string): Promise<BenchCase> {
  const load = cases.get(name);
  if (load !== undefined) return load();
  return program.error(`There is no case ${name}. They are: ${[...cases.keys()].join(', ')}.`);
}

async function perform(benchCase: BenchCase, words: readonly string[], given: Common): Promise<void> {
  const command = commandOf(benchCase).parse(words, { from: 'user' });
  const options = { ...given, ...command.opts<Common & Record<string, unknown>>() };
  const isQuick = options.quick === true;
  const resultsFolder = options.results ?? (await usualFolder(isQuick));
  try {
    const result = await runCase(benchCase, {
      quick: isQuick,
      rounds: options.rounds ?? (isQuick ? 1 : 5),
      options,
      signal: interrupted.signal,
      command: `npm run bench -- ${process.argv.slice(2).join(' ')}`,
      resultsFolder,
      note: (text) => process.stderr.write(`${text}\n`),
    });
    process.stdout.write(
      `${markdown(result)}\nWritten to ${path.join(resultsFolder, `${resultName(result)}.json`)}\n`,
    );
  } catch (error) {
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${benchCase.name} failed: ${told}\n`);
    process.exitCode = 1;
  }
}

function commandOf(benchCase: BenchCase): Command {
  const command = new Command(`npm run bench -- ${benchCase.name}`)
    .description(benchCase.summary)
    .option('--quick', 'small, for its correctness and never for its time')
    .option('--results <folder>', 'where results go')
    .option('--rounds <count>', 'how often each contestant is measured', countOf);
  benchCase.options?.(command);
  return command;
}

function usualFolder(isQuick: boolean): Promise<string> {
  return isQuick
    ? mkdtemp(path.join(os.tmpdir(), 'glimpse-bench-results-'))
    : Promise.resolve(path.join('bench', 'results'));
}
