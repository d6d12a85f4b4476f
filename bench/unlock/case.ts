/**
 * `unlock`: views spent in the ledger by server processes that share one store, many callers at one grant or at
 * several. After each run the ledger must have counted and logged exactly the views that were released.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchCase, Cell, Run, Target } from '../harness/case.js';
import { plain, quantile, spread, withRange } from '../harness/spread.js';
import type { Told } from './spending.process.js';

const program = fileURLToPath(new URL('./spending.process.js', import.meta.url));

interface Shape {
  readonly name: string;
  readonly processes: number;
  readonly callers: number;
  readonly grants: number;
}

const shapes: readonly Shape[] = [
  { name: 'one caller', processes: 3, callers: 1, grants: 1 },
  { name: '64 callers at one grant', processes: 3, callers: 64, grants: 1 },
  { name: '64 callers at 16 grants', processes: 3, callers: 64, grants: 16 },
];

export const unlock: BenchCase = {
  name: 'unlock',
  summary: 'Views spent a second by three server processes that share one store.',
  async run(run) {
    const latencies = new Map<string, number[]>();
    const contestants = shapes.map((shape, at) => ({
      name: shape.name,
      measure: async () => {
        run.note(shape.name);
        const { rate, latenciesMs } = await spendViews(run, shape, `${at}-${performance.now()}`);
        latencies.set(shape.name, latenciesMs);
        return rate;
      },
    }));
    const measured = await run.interleave(contestants, run.quick ? 1 : 3);
    const rows = measured.map(({ name, figures }): Cell[] => {
      const of = latencies.get(name)!;
      return [name, withRange(spread(figures)), plain(quantile(of, 0.5)), plain(quantile(of, 0.99))];
    });
    const grouped = measured[1]!.spread.median;
    const targets: Target[] = [
      {
        what: 'views a second at three hot grants, three processes',
        target: 'at least 20,000',
        measured: plain(grouped),
        met: grouped >= 20_000,
      },
    ];
    return {
      tables: [
        {
          title: 'Ledger and store, three processes, callers a process',
          columns: ['callers', 'views a second: median (min-max)', 'p50, ms', 'p99, ms'],
          rows,
        },
      ],
      targets,
      notes: ['Every view is durable before it is released, and was found counted and logged exactly once.'],
    };
  },
};

async function spendViews(run: Run, { processes, callers, grants }: Shape, folder: string) {
  const forMs = run.quick ? 100 : 4_000;
  const directory = path.join(run.folder, folder);
  const words = [callers, grants, forMs].map(String);
  const children = Array.from({ length: run.quick ? 1 : processes }, (_, at) => {
    const child = fork(program, [directory, String(at), ...words]);
    run.atEnd(() => child.kill());
    return child;
  });
  await Promise.all(children.map((child) => once(child, 'message')));
  const told = Promise.all(children.map(async (child) => (await once(child, 'message'))[0] as Told));
  for (const child of children) child.send('go');
  const all = await told;
  for (const { latenciesMs, counted, logged } of all) {
    if (counted !== latenciesMs.length || logged !== counted) {
      throw new Error(`${latenciesMs.length} views were released, ${counted} counted, ${logged} logged`);
    }
  }
  const latenciesMs = all.flatMap((one) => one.latenciesMs);
  return { rate: latenciesMs.length / Math.max(...all.map(({ seconds }) => seconds)), latenciesMs };
}
