/**
 * The tables of the original, measured anew: three clients at once, each asking for one photo after the other, the
 * whole of a request each time, under the ring and under what it is compared to. docs/performance.md, "The tables".
 */
import path from 'node:path';
import { Option } from 'commander';
import type { BenchCase, Report, Run, Table, Target } from '../harness/case.js';
import { plain } from '../harness/spread.js';
import { bars } from './bars.js';
import { Bed, canQuota, serverIds } from './bed.js';
import type { Sitting } from './bed.js';
import { figuresOf, middle } from './figures.js';
import type { Figures } from './figures.js';
import { original } from './original.js';
import { photoSizes } from './photos.js';
import type { PhotoSize } from './photos.js';

const policies = ['none', 'robin', 'random', 'cpu', 'ring'] as const;
const clients = 3;
const alone = 'ring, one client alone';

/** What uneven servers have, in cores: a photo of 4 MB takes ten times the work of one of 343 KB. */
const usualQuotas = (bytes: number): readonly number[] =>
  bytes < 1_000_000 ? [0.1, 0.16, 0.24] : [0.25, 0.4, 0.6];

/** The original's own photo was of 343 KB. */
const usualRequests = ({ bytes }: PhotoSize): number => (bytes === 343_000 ? 1000 : 100);

interface Choice {
  readonly owners: number;
  readonly requests?: number;
  readonly sizes: readonly PhotoSize[];
  readonly policies: readonly string[];
  readonly uneven: boolean;
  readonly quotas?: readonly number[];
}

export const table: BenchCase = {
  name: 'table',
  summary: 'whole requests of three clients at once, by policy of election',
  options: (command) =>
    command
      .addOption(new Option('--owners <count>', 'whom the three ask').choices(['1', '3']).default('1'))
      .option('--requests <count>', 'of each client; usually 1000 at 343 KB and 100 at other sizes')
      .option('--sizes <names>', `of: ${photoSizes.map(({ name }) => name).join(',')}`)
      .option('--policies <names>', `of: ${policies.join(',')}`, policies.join(','))
      .addOption(
        new Option('--servers <kind>', 'their strength').choices(['equal', 'uneven']).default('equal'),
      )
      .option('--quotas <cores>', 'of uneven servers: 0.1,0.16,0.24, and above a megabyte 0.25,0.4,0.6'),
  run: async (run) => {
    const choice = chosen(run);
    const skipped = choice.uneven && !canQuota();
    if (skipped) run.note('CONTROL GROUPS CANNOT BE MADE HERE: THE SERVERS ARE EQUAL, NOT UNEVEN');
    const kind = { ...choice, uneven: choice.uneven && !skipped };
    const reports: Report[] = [];
    for (const size of kind.sizes) reports.push(await measured(run, kind, size));
    return {
      tables: reports.flatMap((report) => report.tables),
      targets: reports.flatMap((report) => report.targets ?? []),
      charts: reports.flatMap((report) => report.charts ?? []),
      details: reports.map((report) => report.details),
      notes: [
        original.footnote,
        choice.owners === 1 ? 'The three clients ask one owner.' : 'The three clients ask an owner each.',
        'No carrier is used twice: each request is for a photo of its own, the same picture with another number in a JPEG comment.',
        ...(skipped
          ? ['Control groups with a quota could not be made: the servers were equal, not uneven.']
          : []),
      ],
    };
  },
};

function chosen({ quick, options }: Run): Choice {
  const given = options as Readonly<Record<string, string | undefined>>;
  const named = given['sizes']?.split(',') ?? (quick ? ['177 KB'] : photoSizes.map(({ name }) => name));
  const sizes = photoSizes.filter(({ name }) => named.includes(name));
  const requests = quick ? 1 : numberIn(given['requests']);
  const quotas = given['quotas']?.split(',').map(Number);
  if (sizes.length !== named.length) throw new Error(`There is no size among ${named.join(', ')}.`);
  return {
    owners: Number(given['owners'] ?? 1),
    ...(requests !== undefined && { requests }),
    sizes,
    policies: (given['policies'] ?? (quick ? 'robin,ring' : policies.join(','))).split(','),
    uneven: given['servers'] === 'uneven',
    ...(quotas && { quotas }),
  };
}

const numberIn = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

/** Each policy once a round, with a part of its requests; `none` for each server in turn. */
async function measured(run: Run, choice: Choice, size: PhotoSize): Promise<Report> {
  const requests = choice.requests ?? usualRequests(size);
  const quotas = choice.uneven ? (choice.quotas ?? usualQuotas(size.bytes)) : undefined;
  const bed = await Bed.make({
    folder: path.join(run.folder, size.name),
    size,
    owners: choice.owners,
    quotas,
  });
  run.atEnd(() => bed.close());
  const rounds = Math.min(run.rounds, requests);
  const contestants = choice.policies.flatMap((policy) =>
    policy === 'none' ? serverIds.map((id) => `none:${id}`) : [policy],
  );
  const sittings = new Map<string, Sitting[]>();
  const sit = async (name: string): Promise<number> => {
    const sat = sittings.get(name);
    sittings.set(name, sat ?? []);
    // The first is to warm up: it is forgotten here as it is by the rounds.
    const count = sat === undefined ? Math.min(3, requests) : Math.ceil(requests / rounds);
    const sitting = await bed.sit(name === alone ? 'ring' : name, name === alone ? 1 : clients, count);
    sat?.push(sitting);
    const { average } = figuresOf(name, [sitting]);
    run.note(`${size.name}, ${name}: ${plain(average)} s a request`);
    return average;
  };
  const compared = await run.interleave(
    [...contestants, alone].map((name) => ({ name, measure: () => sit(name) })),
    rounds,
  );
  const figures = [...sittings].map(([name, sat]) => figuresOf(name, sat));
  await bed.close();
  failOnFailures(figures);
  return {
    ...report(figures, size, choice, quotas, requests),
    ...(run.quick && { targets: [] }),
    details: { size, quotas, figures, compared },
  };
}

/** No request may fail: that is a wrong result, whatever the times. */
function failOnFailures(figures: readonly Figures[]): void {
  const failed = figures.flatMap((each) => each.failed.map((failure) => `${each.policy}: ${failure}`));
  if (failed.length > 0) throw new Error(`${failed.length} requests failed, the first: ${failed[0]!}`);
}

function report(
  figures: readonly Figures[],
  size: PhotoSize,
  { uneven, owners }: Choice,
  quotas: readonly number[] | undefined,
  requests: number,
): Report {
  const servers = uneven ? `uneven servers (${quotas!.join(', ')} cores)` : 'equal servers';
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
      ...(found.ring ? [besideOriginal(title, found.ring, found.none, figures)] : []),
    ],
    targets: targetsOf(size, uneven, found),
    charts: [
      {
        name: `table-${size.name.replace(' ', '-').toLowerCase()}-${uneven ? 'uneven' : 'equal'}`,
        svg: bars(
          `Seconds a request: ${title}`,
          together.map(({ policy, average }) => ({ name: policy, figure: average, text: plain(average) })),
        ),
      },
    ],
  };
}

function clientsTable(title: string, figures: readonly Figures[], requests: number): Table {
  return {
    title: `${title}: the original's columns, ${requests} requests a client`,
    columns: ['policy', 'client', 'time for 1,000 requests, s', 'average a request, s'],
    rows: figures.flatMap(({ policy, byClient }) =>
      byClient.map((seconds, index) => [policy, index + 1, plain(seconds * 1000), plain(seconds)]),
    ),
  };
}

function policiesTable(title: string, figures: readonly Figures[]): Table {
  return {
    title: `${title}: by policy`,
    columns: ['policy', 'average, s', 'p50, s', 'p99, s', 'requests a second', 'CPU a request, s', 'led by'],
    rows: figures.map(({ policy, average, p50, p99, throughput, cpu, led }) => [
      policy,
      plain(average),
      plain(p50),
      plain(p99),
      plain(throughput),
      plain(cpu),
      serverIds.map((id) => `${id} ${led[id] ?? 0}`).join(', '),
    ]),
  };
}

function besideOriginal(
  title: string,
  ring: Figures,
  none: Figures | undefined,
  figures: readonly Figures[],
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
    ],
  };
}

interface Found {
  readonly ring: Figures | undefined;
  readonly robin: Figures | undefined;
  readonly none: Figures | undefined;
}

function targetsOf(size: PhotoSize, uneven: boolean, { ring, robin, none }: Found): Target[] {
  if (ring === undefined || size.bytes < 343_000) return [];
  const large = size.bytes > 1_000_000;
  const atMost = (what: string, figure: number, bound: number): Target => ({
    what: `${size.name}: ${what}`,
    target: `at most ${bound} s`,
    measured: `${plain(figure)} s`,
    met: figure <= bound,
  });
  const faster = (than: string, other: Figures, times: number): Target => ({
    what: `${size.name}: the ring against ${than}`,
    target: `at least ${times} times as fast`,
    measured: `${plain(other.average / ring.average)} times`,
    met: other.average / ring.average >= times,
  });
  if (!uneven) return [atMost('average a request, three clients at once', ring.average, large ? 0.5 : 0.1)];
  return [
    ...(none ? [faster(`the median of one server for all (${none.policy})`, none, large ? 1.4 : 1.6)] : []),
    ...(robin ? [faster('round robin', robin, large ? 1.5 : 1.1)] : []),
    ...(robin && large
      ? [atMost("p99 below round robin's", ring.p99, Number(robin.p99.toPrecision(3)))]
      : []),
  ];
}
