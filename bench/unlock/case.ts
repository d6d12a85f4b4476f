/**
 * `unlock`: views spent by the ledger of server processes that share one store, by calls to a server, and, to compare,
 * by transactions of the store alone. After each run the ledger must have counted and logged exactly the views that were released.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { Etcd, isEtcdInstalled } from '../../demo/etcd.js';
import type { BenchCase, Cell, Report, Run, Target } from '../harness/case.js';
import type { Measured } from '../harness/rounds.js';
import { plain, quantile, spread as spreadOf, withRange } from '../harness/spread.js';
import { Child } from '../table/child.js';
import { BenchCloud } from '../table/cloud.js';
import type { Counted, HeldTold, Spending, Spent, Way } from './told.js';

const program = fileURLToPath(new URL('./spending.process.js', import.meta.url));
const bareProgram = fileURLToPath(new URL('../harness/bare.process.js', import.meta.url));

/** So long each measurement spends views. */
const forMs = 3_000;

interface Shape {
  readonly name: string;
  readonly way: Way;
  readonly processes: number;
  /** Of each process, and the grants that they share. */
  readonly callers: number;
  readonly grants: number;
  /** The callers are spread over the processes, and all of them share the grants. */
  readonly spread?: true;
  /** Views a second. */
  readonly rateMin?: number;
  /** Of the slowest of a hundred. */
  readonly p99MsMax?: number;
}

const bareCalls: Shape = {
  ...{ name: 'no view: bare calls, 64 callers on 64 connections', way: 'bare', processes: 1 },
  ...{ callers: 64, grants: 64 },
};

const shapesOnFile: readonly Shape[] = [
  {
    name: 'store alone, 64 callers each',
    way: 'store',
    processes: 3,
    callers: 64,
    grants: 64,
    rateMin: 20_000,
  },
  { name: 'ledger, one caller each', way: 'ledger', processes: 3, callers: 1, grants: 1 },
  { name: 'ledger, 64 callers each at one grant', way: 'ledger', processes: 3, callers: 64, grants: 1 },
  { name: 'ledger, 64 callers each at 64 grants', way: 'ledger', processes: 3, callers: 64, grants: 64 },
  {
    ...{ name: 'ledger, 64 callers at one grant, spread over three', way: 'ledger', processes: 3 },
    ...{ callers: 64, grants: 1, spread: true },
  },
  { name: 'calls, one caller', way: 'calls', processes: 1, callers: 1, grants: 1, p99MsMax: 40 },
  { name: 'calls, 64 callers at one grant', way: 'calls', processes: 1, callers: 64, grants: 1 },
  {
    ...{ name: 'calls, 64 callers at 64 grants', way: 'calls', processes: 1, callers: 64, grants: 64 },
    ...{ rateMin: 3_000, p99MsMax: 40 },
  },
  bareCalls,
];

/** A hot grant, through the one server that all its callers happen to ask, and through any. */
const shapesOverEtcd: readonly Shape[] = [
  {
    ...{ name: 'ledger of one process, 64 callers at one grant', way: 'ledger', processes: 1 },
    ...{ callers: 64, grants: 1, rateMin: 1_000 },
  },
  {
    ...{ name: 'ledger, 64 callers at one grant, spread over three', way: 'ledger', processes: 3 },
    ...{ callers: 64, grants: 1, spread: true, rateMin: 1_000 },
  },
  {
    ...{ name: 'calls to the owning server, 64 callers at one grant', way: 'calls', processes: 1 },
    ...{ callers: 64, grants: 1, rateMin: 1_000 },
  },
];

export const unlock: BenchCase = {
  name: 'unlock',
  summary:
    'views spent a second, each durable: the store alone, the ledger in three processes, calls to a server',
  options: (command) =>
    command.addOption(
      new Option('--store <engine>', 'where views are counted').choices(['sqlite', 'etcd']).default('sqlite'),
    ),
  async run(run) {
    const isOverEtcd = run.options['store'] === 'etcd';
    const bed = await (isOverEtcd ? openOverEtcd(run) : open(run));
    const shapes = isOverEtcd ? shapesOverEtcd : shapesOnFile;
    const latencies = shapes.map((): Latencies[] => []);
    const contestants = shapes.map((shape, at) => ({
      name: shape.name,
      measure: async () => {
        run.note(shape.name);
        const spent = await spendViews(run, bed, shape);
        const tookMs = spent.flatMap(({ latenciesMs }) => latenciesMs);
        latencies[at]!.push({ p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) });
        return tookMs.length / Math.max(...spent.map(({ seconds }) => seconds));
      },
    }));
    const measured = await run.interleave(contestants);
    // As the rounds do: the first is forgotten.
    const counted = latencies.map((rounds) => rounds.slice(1));
    return { ...(isOverEtcd && { variant: 'etcd' }), ...report(shapes, measured, counted) };
  },
};

/** Of one round, in ms. */
interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

interface Bed {
  readonly addresses: readonly string[];
  readonly bareAddress: string;
  readonly spenders: readonly Child[];
}

/** One server, and processes that have its store open beside it. */
async function open(run: Run, location?: string): Promise<Bed> {
  const folder = path.join(run.folder, 'bed');
  await mkdir(folder);
  const cloud = await BenchCloud.open({ folder, servers: ['s1'], ...(location && { store: location }) });
  run.atEnd(() => cloud.close());
  const words = [bareProgram, path.join(folder, 'cloud')];
  const bare = new Child('bare', words, path.join(folder, 'bare.log'));
  run.atEnd(() => bare.stop());
  return {
    addresses: (await cloud.addresses()).map(({ address }) => address),
    bareAddress: await bare.ask<string>('ready'),
    spenders: spendersOf(run, folder, ...(location ? [location] : [])),
  };
}

/** The same, with the store in three members of etcd on this machine. */
async function openOverEtcd(run: Run): Promise<Bed> {
  if (!isEtcdInstalled()) throw new Error('etcd is not installed: install Debian’s etcd-server');
  const etcd = await Etcd.start();
  run.atEnd(() => etcd.remove());
  await etcd.leader();
  return open(run, etcd.location());
}

function spendersOf(run: Run, folder: string, ...location: string[]): Child[] {
  return [0, 1, 2].map((number) => {
    const words = [program, path.join(folder, 'cloud'), String(number), ...location];
    const child = new Child(`spender ${number}`, words, path.join(folder, `spender-${number}.log`));
    run.atEnd(() => child.stop());
    return child;
  });
}

async function spendViews(
  run: Run,
  { addresses, bareAddress, spenders }: Bed,
  shape: Shape,
): Promise<Spent[]> {
  const { way, spread: isSpread = false } = shape;
  const few = (count: number): number => Math.min(count, run.quick ? 8 : count);
  const some = spenders.slice(0, run.quick && !isSpread ? 1 : shape.processes);
  const callers = isSpread ? Math.ceil(few(shape.callers) / some.length) : few(shape.callers);
  const spending: Spending = {
    ...{ way, callers, grants: few(shape.grants) },
    addresses: way === 'bare' ? [bareAddress] : addresses,
  };
  const [first, ...others] = some as [Child, ...Child[]];
  const held = await first.ask<HeldTold[]>('prepare', spending);
  const given = isSpread ? { ...spending, held } : spending;
  await Promise.all(others.map((spender) => spender.ask('prepare', given)));
  const counting = isSpread ? [first] : some;
  const before = await countedBy(counting);
  const spent = await Promise.all(some.map((one) => one.ask<Spent>('spend', run.quick ? 100 : forMs)));
  const after = await countedBy(counting);
  const released = spent.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0);
  const views = after.views - before.views;
  const entries = after.entries - before.entries;
  if (way !== 'store' && way !== 'bare' && (views !== released || entries !== released)) {
    throw new Error(`${released} views were released, ${views} counted, ${entries} logged`);
  }
  return spent;
}

async function countedBy(spenders: readonly Child[]): Promise<Counted> {
  const all = await Promise.all(spenders.map((spender) => spender.ask<Counted>('count')));
  const sum = (of: (counted: Counted) => number) => all.reduce((total, one) => total + of(one), 0);
  return { views: sum(({ views }) => views), entries: sum(({ entries }) => entries) };
}

function report(
  shapes: readonly Shape[],
  measured: readonly Measured[],
  latencies: readonly (readonly Latencies[])[],
): Report {
  const rows = measured.map(({ name, spread, ratio }, at): Cell[] => [
    ...[name, withRange(spread), plain(ratio.median)],
    ...(['p50', 'p99'] as const).map((part) => withRange(spreadOf(latencies[at]!.map((one) => one[part])))),
  ]);
  return {
    tables: [
      {
        title: 'Views spent',
        columns: ['how', 'a second: median (min-max)', 'to the first', 'p50, ms', 'p99, ms'],
        rows,
      },
    ],
    targets: shapes.flatMap((shape, at) => targetsOf(shape, measured[at]!, latencies[at]!)),
    notes: [
      'Store and ledger: processes on one store, three unless one is named. Calls: one process, over mutual TLS, to one server.',
      'Bare calls: as many bytes there and back by grpc-js as it comes, on connections like the product’s: how many calls this machine carries that do nothing.',
      'Every view is durable before it is released, and was found counted and logged exactly once.',
      'A transaction of the store alone writes what a view writes, and is counted as one.',
    ],
  };
}

function targetsOf(
  { name, rateMin, p99MsMax }: Shape,
  { spread }: Measured,
  latencies: readonly Latencies[],
): Target[] {
  const targets: Target[] = [];
  if (rateMin !== undefined) {
    targets.push({
      what: `${name}: a second`,
      target: `at least ${plain(rateMin)}`,
      measured: withRange(spread),
      met: spread.median >= rateMin,
    });
  }
  if (p99MsMax !== undefined) {
    const p99Ms = spreadOf(latencies.map(({ p99 }) => p99));
    targets.push({
      what: `${name}: p99`,
      target: `under ${p99MsMax} ms`,
      measured: `${withRange(p99Ms)} ms`,
      met: p99Ms.median < p99MsMax,
    });
  }
  return targets;
}
