/** What the sittings of one size come to: tables, targets, a picture. Pure. */
import type { Report, Table, Target } from '../harness/case.js';
import { plain, spread, withRange } from '../harness/spread.js';
import type { Spread } from '../harness/spread.js';
import { bars } from './bars.js';
import { serverIds } from './bed.js';
import { middle, times } from './figures.js';
import type { Compared, Figures } from './figures.js';
import { original } from './original.js';
import type { PhotoSize } from './photos.js';

export const alone = 'ring, one client alone';

const average = (of: Figures): number => of.average;
const p50 = (of: Figures): number => of.p50;
const p99 = (of: Figures): number => of.p99;
const throughput = (of: Figures): number => of.throughput;
const cpu = (of: Figures): number => of.cpu;

/** What was measured. */
export interface Setting {
  readonly size: PhotoSize;
  readonly owners: number;
  /** Cores of each server; undefined: servers are equal. */
  readonly quotas: readonly number[] | undefined;
  /** Of each client. */
  readonly requests: number;
}

export function report(
  figures: readonly Compared[],
  { size, owners, quotas, requests }: Setting,
): Pick<Report, 'tables' | 'targets' | 'charts'> {
  const servers = quotas ? `uneven servers (${quotas.join(', ')} cores)` : 'equal servers';
  const title = `${size.name}, ${servers}, ${owners === 1 ? 'one owner' : 'an owner for each client'}`;
  const together = figures.filter(({ policy }) => policy !== alone);
  const none = figures.filter(({ policy }) => policy.startsWith('none:'));
  const found = {
    ring: figures.find(({ policy }) => policy === 'ring'),
    robin: figures.find(({ policy }) => policy === 'robin'),
    none: none.length > 0 ? middle(none) : undefined,
  };
  return {
    tables: [
      clientsTable(title, figures, requests),
      policiesTable(title, figures),
      ...(found.ring
        ? [
            ...(together.length > 1 ? [against(title, found.ring, together)] : []),
            besideOriginal(title, found.ring, found.none, figures),
          ]
        : []),
    ],
    targets: targetsOf(size, quotas !== undefined, found),
    charts: [
      {
        name: 'policies',
        svg: bars(
          `Seconds a request: ${title}`,
          together.map(({ policy, average }) => ({ name: policy, figure: average, text: plain(average) })),
        ),
      },
    ],
  };
}

function clientsTable(title: string, figures: readonly Compared[], requests: number): Table {
  return {
    title: `${title}: the original's columns, ${requests} requests a client`,
    columns: ['policy', 'client', 'time for 1,000 requests, s', 'average a request, s'],
    rows: figures.flatMap(({ policy, byClient }) =>
      byClient.map((seconds, index) => [policy, index + 1, plain(seconds * 1000), plain(seconds)]),
    ),
  };
}

function policiesTable(title: string, figures: readonly Compared[]): Table {
  return {
    title: `${title}: by policy`,
    columns: ['policy', 'average, s', 'p50, s', 'p99, s', 'requests a second', 'CPU a request, s', 'led by'],
    rows: figures.map((of) => [
      of.policy,
      ...[average, p50, p99, throughput, cpu].map((figure) => withRange(spread(of.rounds.map(figure)))),
      serverIds.map((id) => `${id} ${of.led[id] ?? 0}`).join(', '),
    ]),
  };
}

/** Ratios within a round, so that what else the machine did met both. */
function against(title: string, ring: Compared, others: readonly Compared[]): Table {
  return {
    title: `${title}: how many times as fast the ring is, within a round`,
    columns: ['than', 'average', 'p50', 'p99'],
    rows: others
      .filter(({ policy }) => policy !== ring.policy)
      .map((other) => [
        other.policy,
        ...[average, p50, p99].map((figure) => withRange(times(other, ring, figure))),
      ]),
  };
}

function besideOriginal(
  title: string,
  ring: Compared,
  none: Compared | undefined,
  figures: readonly Compared[],
): Table {
  const one = figures.find(({ policy }) => policy === alone);
  const row = (what: string, theirs: number, ours: number) => [
    what,
    plain(theirs),
    plain((theirs * 1000) / 3600),
    plain(ours),
    `${plain(theirs / ours)} times`,
  ];
  return {
    title: `${title}: beside the original`,
    columns: ['client', 'original, s a request', 'hours for 1,000', 'here, s a request', 'faster'],
    rows: [
      ...original.balanced.map((theirs, index) =>
        row(`${index + 1}, with balancing`, theirs, ring.byClient[index]!),
      ),
      ...(none
        ? original.unbalanced.map((theirs, index) =>
            row(`${index + 1}, without (${none.policy})`, theirs, none.byClient[index]!),
          )
        : []),
      ...(one ? [row('one alone', original.alone, one.average)] : []),
      ...(none
        ? [
            [
              'gain by balancing',
              `${original.gain} times`,
              '',
              `${withRange(times(none, ring, average))} times`,
              '',
            ],
          ]
        : []),
    ],
  };
}

interface Found {
  readonly ring: Compared | undefined;
  readonly robin: Compared | undefined;
  readonly none: Compared | undefined;
}

function targetsOf(size: PhotoSize, uneven: boolean, { ring, robin, none }: Found): Target[] {
  if (ring === undefined || size.bytes < 343_000) return [];
  const large = size.bytes > 1_000_000;
  if (!uneven) {
    const bound = large ? 0.5 : 0.1;
    const averages = spread(ring.rounds.map(average));
    return [
      {
        what: `${size.name}: average a request, three clients at once`,
        target: `at most ${bound} s`,
        measured: `${withRange(averages)} s`,
        met: averages.median <= bound,
      },
    ];
  }
  const atLeast = (what: string, found: Spread, bound: number): Target => ({
    what: `${size.name}: ${what}`,
    target: `at least ${bound} times`,
    measured: `${withRange(found)} times`,
    met: found.median >= bound,
  });
  const server = `one server for all (${none?.policy ?? ''}, the median)`;
  return [
    ...(none ? [atLeast(`as fast as ${server}`, times(none, ring, average), large ? 1.4 : 1.6)] : []),
    ...(robin ? [atLeast('as fast as round robin', times(robin, ring, average), large ? 1.5 : 1.1)] : []),
    ...(robin && large ? [atLeast("round robin's p99 over the ring's", times(robin, ring, p99), 1)] : []),
  ];
}
