/**
 * The tables of the original, measured anew: three clients at once, each asking for one photo after the other, the
 * whole of a request each time, under the ring and under what it is compared to. docs/performance.md, "The tables".
 */
import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { BenchCase, Report, Run } from '../harness/case.js';
import { countOf, someOf } from '../harness/options.js';
import { plain } from '../harness/spread.js';
import { Bed, canQuota, serverIds } from './bed.js';
import type { Sitting } from './bed.js';
import { comparedOf, figuresOf } from './figures.js';
import type { Compared } from './figures.js';
import { original } from './original.js';
import { photoSizes } from './photos.js';
import type { PhotoSize } from './photos.js';
import { alone, report } from './report.js';

const policies = ['none', 'robin', 'random', 'cpu', 'ring'] as const;
const sizeNames = photoSizes.map(({ name }) => name);
const clients = 3;

/** What uneven servers have, in cores: a photo of 4 MB takes ten times the work of one of 343 KB. */
const usualQuotas = (bytes: number): readonly number[] =>
  bytes < 1_000_000 ? [0.1, 0.16, 0.24] : [0.25, 0.4, 0.6];

/** The original's own photo was of 343 KB. */
const usualRequests = ({ bytes }: PhotoSize): number => (bytes === 343_000 ? 1000 : 100);

interface Choice {
  readonly owners: number;
  readonly requests?: number;
  /** Of each client before the clock starts: what runs is compiled by then. */
  readonly warmUp: number;
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
      .option('--requests <count>', 'of each client; usually 1000 at 343 KB and 100 at other sizes', countOf)
      .option('--warm-up <count>', 'requests of each client before any is measured', countOf, 30)
      .option('--sizes <names>', `of: ${sizeNames.join(',')}`, someOf(sizeNames))
      .option('--policies <names>', `of: ${policies.join(',')}`, someOf(policies), policies)
      .addOption(
        new Option('--servers <kind>', 'their strength').choices(['equal', 'uneven']).default('equal'),
      )
      .option(
        '--quotas <cores>',
        'of uneven servers: 0.1,0.16,0.24, and above a megabyte 0.25,0.4,0.6',
        quotasOf,
      ),
  run: async (run) => {
    const choice = chosen(run);
    const skipped = choice.uneven && !canQuota();
    if (skipped) run.note('CONTROL GROUPS CANNOT BE MADE HERE: THE SERVERS ARE EQUAL, NOT UNEVEN');
    const kind = { ...choice, uneven: choice.uneven && !skipped };
    const reports: Report[] = [];
    for (const size of kind.sizes) reports.push(await measured(run, kind, size));
    return {
      variant: variantOf(kind),
      tables: reports.flatMap((report) => report.tables),
      targets: reports.flatMap((report) => report.targets ?? []),
      charts: reports.flatMap(({ charts = [] }, at) =>
        charts.map(({ name, svg }) => ({
          name: reports.length === 1 ? name : `${name}-${slug(kind.sizes[at]!)}`,
          svg,
        })),
      ),
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

/** Sizes only where they are not all. */
function variantOf({ uneven, sizes, owners }: Choice): string {
  const some = sizes.length < photoSizes.length ? sizes.map(slug) : [];
  return [uneven ? 'uneven' : 'equal', ...some, ...(owners > 1 ? [`${owners}-owners`] : [])].join('-');
}

const slug = ({ name }: PhotoSize): string => name.replace(' ', '-').toLowerCase();

/** As commander gives them: those with a default are always there. */
interface Given {
  readonly owners: string;
  readonly warmUp: number;
  readonly policies: readonly string[];
  readonly servers: string;
  readonly requests?: number;
  readonly sizes?: readonly string[];
  readonly quotas?: readonly number[];
}

function chosen({ quick, options }: Run): Choice {
  const { owners, warmUp, policies: some, servers, requests, sizes, quotas } = options as unknown as Given;
  const named = sizes ?? (quick ? ['177 KB'] : sizeNames);
  return {
    owners: Number(owners),
    ...(quick ? { requests: 1 } : requests !== undefined && { requests }),
    warmUp: quick ? 1 : warmUp,
    sizes: photoSizes.filter(({ name }) => named.includes(name)),
    policies: some,
    uneven: servers === 'uneven',
    ...(quotas && { quotas }),
  };
}

/** Of each server. @throws InvalidArgumentError */
function quotasOf(typed: string): readonly number[] {
  const quotas = typed.split(',').map(Number);
  if (quotas.length === serverIds.length && quotas.every((cores) => cores > 0 && cores < Infinity))
    return quotas;
  throw new InvalidArgumentError('They must be three numbers above 0 with commas between.');
}

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
    const count = sat === undefined ? choice.warmUp : Math.ceil(requests / rounds);
    const sitting = await bed.sit(name === alone ? 'ring' : name, name === alone ? 1 : clients, count);
    sat?.push(sitting);
    const { average } = figuresOf(name, [sitting]);
    run.note(`${size.name}, ${name}: ${plain(average)} s a request`);
    return average;
  };
  await run.interleave(
    [...contestants, alone].map((name) => ({ name, measure: () => sit(name) })),
    rounds,
  );
  const figures = [...sittings].map(([name, sat]) => comparedOf(name, sat));
  await bed.close();
  failOnFailures(figures);
  return {
    ...report(figures, { size, owners: choice.owners, quotas, requests }),
    ...(run.quick && { targets: [] }),
    details: { size, quotas, figures },
  };
}

/** No request may fail: that is a wrong result, whatever the times. */
function failOnFailures(figures: readonly Compared[]): void {
  const failed = figures.flatMap((each) => each.failed.map((failure) => `${each.policy}: ${failure}`));
  if (failed.length > 0) throw new Error(`${failed.length} requests failed, the first: ${failed[0]!}`);
}
