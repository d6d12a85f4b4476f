/**
 * Runs the simulator of the ring: `npm run sim -- --seeds N`, or `--seed S [--trace]` for one run in full.
 */
import { Command, InvalidArgumentError } from 'commander';
import { describeKnobs, simulate } from '../simulator/run.js';

function natural(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new InvalidArgumentError('a natural number, please.');
  return number;
}

const { seeds, seed, trace, calm } = new Command('sim')
  .description('Runs the ring under seeded faults and checks that what must hold does.')
  .option('--seeds <n>', 'how many seeds', natural, 1000)
  .option('--seed <s>', 'run this one only', natural)
  .option('--trace', 'print everything that happens')
  .option('--calm', 'without faults')
  .parse()
  .opts<{ seeds: number; seed?: number; trace?: true; calm?: true }>();

const first = seed ?? 1;
const last = seed ?? seeds;
const waits: number[] = [];
let failed = 0;
for (let current = first; current <= last; current++) {
  const run = simulate({
    seed: current,
    ...(calm && { calm }),
    ...(trace && { trace: (line: string) => console.log(line) }),
  });
  waits.push(...run.waits);
  if (run.breach === undefined) continue;
  failed += 1;
  console.error(`${run.breach}\n${describeKnobs(run.knobs)}\nnpm run sim -- --seed ${current} --trace\n`);
}
waits.sort((a, b) => a - b);
const quantile = (share: number) => waits[Math.floor(share * (waits.length - 1))]?.toFixed(1) ?? '-';
console.log(
  `${last - first + 1} seeds, ${failed} failed; waits of ${waits.length} requests in ms: ` +
    `median ${quantile(0.5)}, 90% ${quantile(0.9)}, 99% ${quantile(0.99)}, longest ${quantile(1)}`,
);
process.exitCode = failed > 0 ? 1 : 0;
