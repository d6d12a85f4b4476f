/**
 * `overload`: 64 photos of 10 MB hidden at once by three servers, and one more owner who never reads, while others
 * elect and view. Every hiding must end well; memory is bounded by `BOUND_BYTES`.
 */
import path from 'node:path';
import type { BenchCase } from '../harness/case.js';
import { median, plain, quantile } from '../harness/spread.js';
import { bear, BOUND_BYTES } from './load.js';
import type { Asked } from './load.js';

const delayMaxMs = 50;

export const overload: BenchCase = {
  name: 'overload',
  summary: '64 hidings at once: memory, the event loop, and who else is served.',
  async run(run) {
    run.note('hiding');
    const { hidesMs, elections, unlocks, used } = await bear(path.join(run.folder, 'crowd'), {
      servers: 3,
      hides: run.quick ? 8 : 64,
      bytes: run.quick ? 1_000_000 : 10_000_000,
      cover: path.resolve('test/photos/allium-oreophilum.jpg'),
    });
    const row = (what: string, { tookMs, failed }: Asked) => [
      what,
      tookMs.length,
      failed,
      plain(median(tookMs)),
      plain(quantile(tookMs, 0.99)),
    ];
    const peakBytes = Math.max(...used.map((one) => one.peakBytes));
    const delayMs = Math.max(...used.map((one) => one.delayP99Ms));
    return {
      tables: [
        {
          title: 'What was asked meanwhile',
          columns: ['what', 'answered', 'failed', 'p50, ms', 'p99, ms'],
          rows: [
            row('hidings', { tookMs: hidesMs, failed: 0 }),
            row('elections', elections),
            row('views', unlocks),
          ],
        },
        {
          title: 'Servers',
          columns: ['server', 'peak memory, MB', 'event loop, p99 delay, ms'],
          rows: used.map((one, at) => [`s${at + 1}`, plain(one.peakBytes / 1e6), plain(one.delayP99Ms)]),
        },
      ],
      targets: [
        {
          what: 'peak memory of a server',
          target: `at most ${plain(BOUND_BYTES / 1e6)} MB`,
          measured: `${plain(peakBytes / 1e6)} MB`,
          met: peakBytes <= BOUND_BYTES,
        },
        ...(run.quick
          ? []
          : [
              {
                what: 'event loop of a server, p99 delay',
                target: `under ${delayMaxMs} ms`,
                measured: `${plain(delayMs)} ms`,
                met: delayMs < delayMaxMs,
              },
            ]),
      ],
      notes: [
        'The servers, their workers, the owners and those who elect and view share the cores of this machine.',
      ],
    };
  },
};
