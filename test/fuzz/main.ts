/**
 * The fuzzer: `npm run fuzz -- --inputs N --seed S [--target NAME]`. Inputs are spread over all targets by their
 * shares; what is found is written to test/fuzz/findings, where a test tries it again from then on.
 * docs/reliability.md, "Fuzzing".
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { Ending } from '../client/engine/clouds.js';
import { decoders } from './decoders.js';
import type { Task } from './decoders.process.js';
import { fuzz } from './fuzz.js';
import type { Finding } from './fuzz.js';
import { handlersAt } from './handlers.js';
import { houseOf } from './house.js';
import type { Target } from './target.js';
import { fuzzInProcesses } from './processes.js';

/** So that a process that ends early takes the next piece, and progress is seen. */
const pieceInputs = 20_000;

function natural(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('a number, please.');
  return number;
}

const asked = new Command('fuzz')
  .description('Mutates the vectors and checks that every decoder and every handler refuses in good order.')
  .option('--inputs <n>', 'how many, over all targets', natural, 100_000)
  .option('--seed <s>', 'the chance they are drawn from', natural, 1)
  .option('--target <name>', 'only those whose name has this in it')
  .option('--processes <n>', 'at once, for decoders', natural, 2)
  .option('--no-handlers', 'decoders alone: no processes are started')
  .option('--findings <folder>', 'where inputs that are taken badly are written', 'test/fuzz/findings')
  .parse()
  .opts<{
    readonly inputs: number;
    readonly seed: number;
    readonly target?: string;
    readonly processes: number;
    readonly handlers: boolean;
    readonly findings: string;
  }>();

const begunMs = performance.now();
const tried = new Map<string, number>();
const findings: Finding[] = [];
const ending = new Ending();
try {
  const house = asked.handlers ? await houseOf(ending) : undefined;
  const aimed = await Promise.all((house?.doors ?? []).map(handlersAt));
  ending.add(() => aimed.forEach((one) => one.close()));
  const handlers = aimed.flatMap(({ targets }) => targets).filter(isAsked);
  const chosen = decoders.filter(isAsked);
  const shares = [...chosen, ...handlers].reduce((sum, { share }) => sum + share, 0);
  const countOf = ({ share }: Target) => Math.ceil((asked.inputs * share) / shares);
  const done = await fuzzInProcesses(
    chosen.flatMap((target) => piecesOf(target, countOf(target))),
    asked.processes,
    did,
  );
  findings.push(...done.findings);
  for (const target of handlers) {
    const to = countOf(target);
    const found = await fuzz(target, { seed: asked.seed, from: 0, to });
    findings.push(...found);
    did({ target: target.name, seed: asked.seed, from: 0, to }, found);
  }
  const ended = house?.ended() ?? [];
  if (ended.length > 0)
    throw new Error(`Ended: ${ended.join(', ')}. Of what it was given last, something did it.`);
} finally {
  await ending.all();
}
report();
// A name that nothing has would look like a target without findings.
if (tried.size === 0)
  console.error(`No target has "${asked.target}" in its name: leave --target out to see all.`);
process.exit(findings.length > 0 || tried.size === 0 ? 1 : 0);

function isAsked({ name }: Target): boolean {
  return asked.target === undefined || name.includes(asked.target);
}

function piecesOf({ name: target }: Target, count: number): Task[] {
  const pieces = Math.ceil(count / pieceInputs);
  return Array.from({ length: pieces }, (_, at) => ({
    target,
    seed: asked.seed,
    from: at * pieceInputs,
    to: Math.min(count, (at + 1) * pieceInputs),
  }));
}

function did({ target, from, to }: Task, found: readonly Finding[]): void {
  tried.set(target, (tried.get(target) ?? 0) + to - from);
  for (const finding of found) {
    console.error(`${target}, input ${finding.number} of seed ${finding.seed}: ${finding.what}`);
    console.error(`written to ${keep(finding)}\n`);
  }
}

function keep({ target, seed, number, what, input }: Finding): string {
  const file = path.join(asked.findings, `${target.replaceAll(/\W+/g, '-')}-${seed}-${number}.txt`);
  writeFileSync(file, `target: ${target}\nwhat: ${what.split('\n')[0]}\n\n${input}\n`);
  return file;
}

function report(): void {
  for (const [target, inputs] of tried) console.log(`${String(inputs).padStart(10)}  ${target}`);
  const all = [...tried.values()].reduce((sum, inputs) => sum + inputs, 0);
  const seconds = (performance.now() - begunMs) / 1_000;
  console.log(`${all} inputs of seed ${asked.seed} in ${seconds.toFixed(0)} s, ${findings.length} findings`);
}
