/**
 * Runs the simulator of the ring: `npm run sim -- --seeds N`, or `--seed S [--trace]` for one run in full;
 * `npm run sim -- --model` goes through every order of events of a ring of three instead.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { explore } from '../simulator/model.js';
import { recordOf, writeRecord } from '../simulator/record.js';
import { describeKnobs, simulate } from '../simulator/run.js';
import type { Options } from '../simulator/run.js';

function natural(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new InvalidArgumentError('a natural number, please.');
  return number;
}

/** `3` or `3-7`. */
function range(text: string): readonly [number, number] {
  const [low = NaN, high = low] = text.split('-').map(natural);
  if (low >= 1 && high >= low && high <= 98) return [low, high];
  throw new InvalidArgumentError('as in 3 or 3-7, please: 98 at most.');
}

/** A long run says so often how far it is. */
const progressMs = 10_000;

interface Asked {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly members?: readonly [number, number];
  readonly trace?: true;
  readonly calm?: true;
  readonly records: string;
  readonly model?: true;
  readonly faults: number;
  readonly requests: number;
  readonly timers: number;
  readonly depth: number;
}

const asked = new Command('sim')
  .description('Runs the ring under seeded faults and checks that what must hold does.')
  .option('--seeds <n>', 'how many seeds', natural, 1000)
  .option('--from <s>', 'the first of them', natural, 1)
  .option('--seed <s>', 'run this one only, and print its knobs', natural)
  .option('--members <range>', 'how many are there from the beginning, as in 3-7', range)
  .option('--trace', 'print everything that happens')
  .option('--calm', 'without faults')
  .option('--records <folder>', 'where runs that fail are written', 'test/server/election/records')
  .option('--model', 'every order of events of a ring of three, instead of seeds')
  .option('--faults <n>', 'with --model: broken links and kills', natural, 1)
  .option('--requests <n>', 'with --model: requests', natural, 1)
  .option('--timers <n>', 'with --model: timers that run out', natural, 0)
  .option('--depth <n>', 'with --model: no further than this many events', natural, Infinity)
  .parse()
  .opts<Asked>();

if (asked.model) checkModel();
else runSeeds();

function runSeeds(): void {
  const first = asked.seed ?? asked.from;
  const last = asked.seed ?? asked.from + asked.seeds - 1;
  const begunMs = performance.now();
  const waits: number[] = [];
  let failed = 0;
  let events = 0;
  let saidMs = begunMs;
  for (let seed = first; seed <= last; seed++) {
    const run = simulate(optionsOf(seed, asked.trace && console.log));
    if (asked.seed !== undefined) console.log(describeKnobs(run.knobs));
    waits.push(...run.waits);
    events += run.events;
    if (performance.now() - saidMs >= progressMs) {
      saidMs = performance.now();
      console.error(`${seed - first + 1} of ${last - first + 1} seeds, ${failed} failed`);
    }
    if (run.breach === undefined) continue;
    failed += 1;
    console.error(
      `${run.breach}\n${describeKnobs(run.knobs)}\nWritten to ${keep(seed)}: run it with --seed ${seed}\n`,
    );
  }
  const seconds = (performance.now() - begunMs) / 1000;
  waits.sort((a, b) => a - b);
  const quantile = (share: number) => waits[Math.floor(share * (waits.length - 1))]?.toFixed(1) ?? '-';
  console.log(
    `${last - first + 1} seeds, ${events} events in ${seconds.toFixed(1)} s, ${failed} failed; waits of ${waits.length} requests in ms: ` +
      `median ${quantile(0.5)}, 90% ${quantile(0.9)}, 99% ${quantile(0.99)}, longest ${quantile(1)}`,
  );
  process.exitCode = failed > 0 ? 1 : 0;
}

function optionsOf(seed: number, trace?: (line: string) => void): Options {
  const { calm, members } = asked;
  return { seed, ...(calm && { calm }), ...(members && { members }), ...(trace && { trace }) };
}

/** Runs it again for its trace, and writes both down. */
function keep(seed: number): string {
  const lines: string[] = [];
  const run = simulate(optionsOf(seed, (line) => lines.push(line)));
  mkdirSync(asked.records, { recursive: true });
  const file = path.join(asked.records, `seed-${seed}.json`);
  writeFileSync(file, writeRecord(recordOf(run, lines)));
  return file;
}

function checkModel(): void {
  const begunMs = performance.now();
  const { states, depth, breach, trace } = explore({
    faults: asked.faults,
    requests: asked.requests,
    timers: asked.timers,
    depthMax: asked.depth,
    noted: (states, depth) => console.error(`${states} states, ${depth} deep`),
  });
  const seconds = ((performance.now() - begunMs) / 1000).toFixed(1);
  if (breach !== undefined) console.error(`${breach}\n${trace.join('\n')}\n`);
  console.log(`${states} states, ${depth} events deep, in ${seconds} s: ${breach ?? 'all holds'}`);
  process.exitCode = breach === undefined ? 0 : 1;
}
