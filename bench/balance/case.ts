/**
 * Which server hides: the ring's own code and its rivals, in simulated time. What is real: the ring's `step`, its load
 * rule, readings and rounding. What is modelled: the CPU of servers, the network, and what a hiding costs.
 */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { BenchCase, Report, Run, Table, Target } from '../harness/case.js';
import { curves } from '../harness/chart.js';
import { countOf } from '../harness/options.js';
import { median, plain } from '../harness/spread.js';
import { HIDING } from './fleet.js';
import type { Rival } from './policy.js';
import { prequal } from './prequal.js';
import { ring } from './ring.js';
import * as rivals from './rivals.js';
import { simulate } from './simulation.js';
import type { Outcome, Scenario } from './simulation.js';

const { none, randomly, roundRobin, weighted, twoChoices, lowestCpu, forecast, perfect } = rivals;
/** In the order of the tables. */
const contestants: readonly Rival[] = [
  none,
  randomly,
  roundRobin,
  weighted,
  twoChoices,
  lowestCpu,
  forecast,
  prequal,
  ring,
  perfect,
];
/** Those that keep up at any size, for the curves. */
const curved: readonly Rival[] = [weighted, twoChoices, forecast, prequal, ring, perfect];

interface Size {
  readonly seeds: readonly number[];
  readonly closedRequests: number;
  readonly servers: readonly number[];
  readonly loads: readonly number[];
  readonly openRequests: (servers: number) => number;
}

const wholeLoads = [0.3, 0.5, 0.7, 0.8, 0.9];
const wholeServers = [3, 10, 30, 100, 300, 1000];
const usualLoad = 0.75;
const loadServers = 10;
/** From here on one seed: its thousands of requests at hundreds of servers say as much as several of a small fleet. */
const largeFleet = 1000;

function sizeOf({ quick, options }: Pick<Run, 'quick' | 'options'>): Size {
  if (quick) {
    return { seeds: [1], closedRequests: 60, servers: [3, 40], loads: [0.5], openRequests: () => 300 };
  }
  const { seeds, servers } = options as { seeds: number; servers: readonly number[] };
  return {
    seeds: Array.from({ length: seeds }, (_, index) => index + 1),
    closedRequests: 3000,
    servers,
    loads: wholeLoads,
    openRequests: (count) => Math.max(1500, 6 * count),
  };
}

/** The outcomes of a scenario, a seed each. */
function outcomes(
  scenario: Omit<Scenario, 'seed'>,
  rival: Rival,
  seeds: readonly number[],
): readonly Outcome[] {
  return seeds.map((seed) => simulate({ ...scenario, seed } as Scenario, rival));
}

const middle = (found: readonly Outcome[], of: (outcome: Outcome) => number): number => median(found.map(of));

/** Lets Ctrl-C and the terminal have their turn. */
async function breathe(run: Run): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  run.signal.throwIfAborted();
}

interface Found {
  readonly name: string;
  readonly outcomes: readonly Outcome[];
}

async function threeUneven(run: Run, { seeds, closedRequests }: Size): Promise<readonly Found[]> {
  const scenario = {
    servers: 'three',
    requests: closedRequests,
    arrivals: 'closed',
    clients: 3,
    mebibytes: 4,
  } as const;
  const found: Found[] = [];
  for (const rival of contestants) {
    found.push({ name: rival.name, outcomes: outcomes(scenario, rival, seeds) });
    run.note(`three uneven servers: ${rival.name}`);
    await breathe(run);
  }
  return found;
}

function tableOfThree(found: readonly Found[], { closedRequests }: Size): Table {
  const total = (one: Found): number => middle(one.outcomes, ({ totalMs }) => totalMs);
  const alone = total(found[0]!);
  return {
    title: `Three uneven servers (0.25, 0.4 and 0.6 cores), three clients, ${closedRequests} photos of 4 MiB`,
    columns: [
      'policy',
      'seconds for all',
      'times as fast as none',
      'mean ms',
      'p50 ms',
      'p99 ms',
      'led by each',
    ],
    rows: found.map((one) => [
      one.name,
      total(one) / 1000,
      alone / total(one),
      middle(one.outcomes, ({ meanMs }) => meanMs),
      middle(one.outcomes, ({ p50Ms }) => p50Ms),
      middle(one.outcomes, ({ p99Ms }) => p99Ms),
      one.outcomes[0]!.led.join(' / '),
    ]),
  };
}

interface Curve {
  readonly name: string;
  /** By x: what was found there. */
  readonly points: readonly (readonly [x: number, outcomes: readonly Outcome[]])[];
}

async function sweep(
  run: Run,
  { seeds, openRequests }: Size,
  xs: readonly number[],
  at: (x: number) => { readonly servers: number; readonly load: number },
): Promise<readonly Curve[]> {
  const found: Curve[] = [];
  for (const rival of curved) {
    const points: [number, readonly Outcome[]][] = [];
    for (const x of xs) {
      const { servers, load } = at(x);
      const scenario = { servers, load, arrivals: 'open', requests: openRequests(servers) } as const;
      const enough = servers < largeFleet ? seeds : seeds.slice(0, 1);
      points.push([x, outcomes(scenario, rival, enough)]);
      run.note(`${rival.name}: ${servers} servers at ${load}`);
      await breathe(run);
    }
    found.push({ name: rival.name, points });
  }
  return found;
}

function tableOfCurves(title: string, column: string, xs: readonly number[], found: readonly Curve[]): Table {
  return {
    title,
    columns: [column, ...found.map(({ name }) => name)],
    rows: xs.map((x) => [
      x,
      ...found.map(({ points }) => {
        const point = points.find(([at]) => at === x);
        return point ? middle(point[1], ({ p99Ms }) => p99Ms) : '-';
      }),
    ]),
  };
}

function chartOf(
  title: string,
  x: { label: string; logarithmic?: boolean },
  found: readonly Curve[],
): string {
  const series = found.map(({ name, points }) => ({
    name,
    points: points.map(([at, one]) => [at, middle(one, ({ p99Ms }) => p99Ms)] as const),
  }));
  return curves({ title, x, y: { label: 'p99, ms', logarithmic: true }, series });
}

function targetsOf(three: readonly Found[], bySize: readonly Curve[], most: number): readonly Target[] {
  const totalOf = ({ name }: Rival): number =>
    middle(three.find((one) => one.name === name)!.outcomes, ({ totalMs }) => totalMs);
  const gain = totalOf(none) / totalOf(ring);
  const behind = totalOf(ring) / totalOf(perfect);
  const p99Of = ({ name }: Rival): number => {
    const points = bySize.find((curve) => curve.name === name)!.points;
    return middle(points.find(([at]) => at === most)![1], ({ p99Ms }) => p99Ms);
  };
  const tail = p99Of(ring) / p99Of(perfect);
  return [
    {
      what: 'three uneven servers, the ring over none',
      target: 'at least 2.0 times as fast',
      measured: plain(gain),
      met: gain >= 2,
    },
    {
      what: 'three uneven servers, the ring and perfect knowledge',
      target: 'at most 1.05 times its time',
      measured: plain(behind),
      met: behind <= 1.05,
    },
    {
      what: `${most} servers in rings of about ${Math.ceil(Math.sqrt(most))}, p99 of the ring and of perfect knowledge`,
      target: 'at most 1.5 times',
      measured: plain(tail),
      met: tail <= 1.5,
    },
  ];
}

function wholeNumbers(typed: string): readonly number[] {
  const numbers = typed.split(',').map(Number);
  if (numbers.every((number) => Number.isInteger(number) && number > 1)) return numbers;
  throw new InvalidArgumentError('Whole numbers above 1 with commas between them.');
}

async function compare(run: Run): Promise<Report> {
  const size = sizeOf(run);
  const three = await threeUneven(run, size);
  const byLoad = await sweep(run, size, size.loads, (load) => ({ servers: loadServers, load }));
  const bySize = await sweep(run, size, size.servers, (servers) => ({ servers, load: usualLoad }));
  const retries = bySize
    .find(({ name }) => name === ring.name)!
    .points.flatMap(([, found]) => found.map((one) => one.retries));
  return {
    tables: [
      tableOfThree(three, size),
      tableOfCurves(
        `p99 in ms against the number of servers, open arrivals at ${usualLoad} of what they can do`,
        'servers',
        size.servers,
        bySize,
      ),
      tableOfCurves(
        `p99 in ms against load, ${loadServers} servers, open arrivals`,
        'load',
        size.loads,
        byLoad,
      ),
    ],
    targets: targetsOf(three, bySize, size.servers.at(-1)!),
    charts: [
      {
        name: 'servers',
        svg: chartOf(`p99 at ${usualLoad} of capacity`, { label: 'servers', logarithmic: true }, bySize),
      },
      { name: 'load', svg: chartOf(`p99 of ${loadServers} servers`, { label: 'load' }, byLoad) },
    ],
    notes: [
      `Simulated: medians over ${size.seeds.length} seeds (one from ${largeFleet} servers on), and no figure depends on the machine. A hiding costs ${HIDING.coverMs} ms and ${HIDING.msPerMiB} ms a MiB of a core of speed 1, and uses one core.`,
      'Others take half of some servers for a third of the time. Each message of the ring takes 0.1 to 0.24 ms, and 2 us a row.',
      'Perfect knowledge puts each request where it adds least to the time of all, knowing all work that is left but not what comes. It is greedy, so a policy may do better.',
      'Rings of rings are simulated only: two rings, the less loaded of them as told every 200 ms, then the election within it.',
      `Tickets that were no longer good when they were shown: ${retries.reduce((sum, one) => sum + one, 0)}.`,
    ],
    details: { three, byLoad, bySize },
  };
}

export const balance: BenchCase = {
  name: 'balance',
  summary: "Which server hides: the ring's production code against other policies, in simulated time.",
  options: (command: Command) => {
    command
      .option('--seeds <count>', 'how many seeds', countOf, 3)
      .option('--servers <counts>', 'how many servers, with commas between', wholeNumbers, wholeServers);
  },
  run: compare,
};
