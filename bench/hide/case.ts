/** `hide`: how fast a payload becomes a picture, how large that is, and whether it shows. */
import path from 'node:path';
import type { Command } from 'commander';
import sharp from 'sharp';
import { curves } from '../harness/chart.js';
import type { BenchCase, Cell, Run, Table, Target } from '../harness/case.js';
import { forgetPeakMemory, Household, peakMemory } from '../harness/household.js';
import type { Measured } from '../harness/rounds.js';
import { seconds, secondsEach } from '../harness/rounds.js';
import { plain, withRange } from '../harness/spread.js';
import { hidden, subjectOf } from './core.js';
import type { Subject } from './core.js';
import { psnr, ssim } from './likeness.js';
import { hiddenByService, lengthOf } from './service.js';
import { toolsIn } from './tools.js';

/** Core and service, each fast and small; in this order in every measurement below. */
const contestants = ['core fast', 'core small', 'service fast', 'service small'] as const;
const promises = { coreRate: 200, timesAsFast: 8, expansion: 1.6 };

interface Sized {
  readonly megabytes: number;
  readonly rates: readonly Measured[];
  readonly row: (contestant: number) => readonly Cell[];
  readonly expansionSmall: number;
  /** Of the server, both settings, in MB; undefined where it cannot be told. */
  readonly peak: number | undefined;
}

export const hide: BenchCase = {
  name: 'hide',
  summary: 'Payloads hidden in the default cover: speed, size, what shows, and memory.',
  options: (command: Command) => {
    command.option('--tools <folder>', 'other tools to compare with: stegify, stepic, steghide');
  },
  async run(run) {
    const household = await Household.open(run);
    const { workings } = await household.player('alice');
    const server = household.cloud.servers[0]!.pid;
    const sized: Sized[] = [];
    for (const megabytes of run.quick ? [0.2, 1] : [0.2, 1, 4, 10, 40]) {
      run.note(`${megabytes} MB`);
      const subject = await subjectOf(megabytes * 1e6);
      const work = workOf(subject, (setting) => hiddenByService(workings, subject, setting));
      await forgetPeakMemory(server);
      const found = await measured(run, subject, work);
      sized.push({ ...found, peak: await peakMemory(server) });
    }
    const notes: string[] = [];
    const rivals = await against(run, notes, workings);
    const core = sized.find(({ megabytes }) => megabytes === (run.quick ? 1 : 4))!.rates[0]!.spread;
    const expansion = Math.max(...sized.map(({ expansionSmall }) => expansionSmall));
    return {
      tables: [
        {
          title: 'Speed and size',
          columns: ['MB', 'what', 'MB/s: median (min-max)', 'expansion', 'PSNR in dB', 'SSIM'],
          rows: sized.flatMap(({ row }) => contestants.map((_, index) => row(index))),
        },
        {
          title: 'Memory of the server, at most',
          columns: ['MB', 'MB at once'],
          rows: sized.map(({ megabytes, peak }) => [megabytes, peak === undefined ? '-' : plain(peak)]),
        },
        rivals.table,
      ],
      targets: [
        target(
          'core, fast, 4 MB',
          `${promises.coreRate} MB/s`,
          core.median,
          core.median >= promises.coreRate,
        ),
        // `measured` below throws for any other.
        { what: 'shown picture', target: 'identical', measured: 'identical', met: true },
        target(
          'expansion, small, default cover, at any size',
          `at most ${promises.expansion}`,
          expansion,
          expansion <= promises.expansion,
        ),
        ...rivals.targets,
      ],
      charts: [
        {
          name: 'speed',
          svg: curves({
            title: 'Hiding',
            x: { label: 'payload in MB', logarithmic: true },
            y: { label: 'MB/s' },
            series: contestants.map((name, index) => ({
              name,
              points: sized.map(({ megabytes, rates }) => [megabytes, rates[index]!.spread.median] as const),
            })),
          }),
        },
      ],
      notes: [
        'Core: the cloud’s lock, its digest and the picture, on one thread; the cover is a raster, as a server keeps it.',
        'Service: election, upload over mutual TLS, the same work in worker threads, download; cover decoded and resized.',
        'Memory: resident, of one server that hides one photo after the other; what it got for a larger one it does not give back at once.',
        ...notes,
      ],
    };
  },
};

type Work = readonly (() => Promise<readonly Uint8Array[]>)[];

function workOf(
  subject: Subject,
  service: (setting: 'fast' | 'small') => Promise<readonly Uint8Array[]>,
): Work {
  return [
    () => hidden(subject, 'fast'),
    () => hidden(subject, 'small'),
    () => service('fast'),
    () => service('small'),
  ];
}

/** @throws Error if a carrier does not show its cover */
async function measured(run: Run, subject: Subject, work: Work): Promise<Omit<Sized, 'peak'>> {
  const megabytes = subject.payload.length / 1e6;
  const likeness: { decibels: number; likeness: number }[] = [];
  const expansions: number[] = [];
  for (const each of work) {
    const carrier = Buffer.concat(await each());
    const likened = await shown(carrier, subject);
    if (likened.decibels !== Infinity || likened.likeness !== 1) {
      throw new Error('a carrier does not show its cover');
    }
    likeness.push(likened);
    expansions.push(carrier.length / subject.payload.length);
  }
  const rates = await run.interleave(
    work.map((each, index) => ({
      name: contestants[index]!,
      measure: async () => megabytes / (await secondsEach(each)),
    })),
  );
  return {
    megabytes,
    rates,
    expansionSmall: Math.max(expansions[1]!, expansions[3]!),
    row: (index) => [
      ...[megabytes, contestants[index]!, withRange(rates[index]!.spread), expansions[index]!],
      ...[likeness[index]!.decibels, likeness[index]!.likeness],
    ],
  };
}

/** What a program that knows nothing of payloads shows of a carrier, against its cover. */
async function shown(
  carrier: Uint8Array,
  { raster }: Subject,
): Promise<{ decibels: number; likeness: number }> {
  const { data, info } = await sharp(carrier).raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`the carrier shows ${info.channels} channels`);
  const { width, height } = raster.shape;
  const plane = (samples: Uint8Array) => ({ width: 3 * width, height, samples });
  return { decibels: psnr(data, raster.samples), likeness: ssim(plane(data), plane(raster.samples)) };
}

/** The whole service against public tools, in seconds, 4 MB (less if quick). */
async function against(
  run: Run,
  notes: string[],
  workings: Parameters<typeof hiddenByService>[0],
): Promise<{ table: Table; targets: Target[] }> {
  const megabytes = run.quick ? 0.05 : 4;
  const subject = await subjectOf(megabytes * 1e6);
  const given = run.options['tools'];
  const folders = [
    ...(typeof given === 'string' ? [path.resolve(given)] : []),
    ...(process.env['PATH'] ?? '').split(path.delimiter),
  ];
  const skip = (text: string): void => {
    run.note(text);
    notes.push(text);
  };
  const ready = [];
  // One that needs longer is no rival.
  const toolMs = run.quick ? 10_000 : 40_000;
  const workFolder = run.folder;
  for (const tool of await toolsIn(folders, subject.payload, { workFolder, toolMs }, skip)) {
    run.note(`${megabytes} MB: ${tool.name}`);
    const once = await tool.hide().then(
      () => undefined,
      (error: unknown) => lastLine(error),
    );
    if (once === undefined) ready.push(tool);
    else skip(`SKIPPED: ${tool.name} did not hide ${megabytes} MB within ${toolMs / 1_000} s (${once}).`);
  }
  const carrierBytes = lengthOf(await hiddenByService(workings, subject, 'small'));
  const found = await run.interleave(
    [
      {
        name: 'Glimpse, service, small',
        measure: () => seconds(() => hiddenByService(workings, subject, 'small')),
      },
      {
        name: 'Glimpse, service, fast',
        measure: () => seconds(() => hiddenByService(workings, subject, 'fast')),
      },
      ...ready.map((tool) => ({ name: tool.name, measure: () => seconds(() => tool.hide()) })),
    ],
    Math.min(run.rounds, 3),
  );
  const sizes = [carrierBytes, 2 * subject.payload.length];
  for (const tool of ready) sizes.push(await tool.pictureBytes());
  const best = Math.min(...found.slice(2).map(({ ratio }) => ratio.median));
  return {
    table: {
      title: `${megabytes} MB, the whole service against public tools`,
      columns: ['what', 'seconds: median (min-max)', 'times ours', 'expansion'],
      rows: found.map(({ name, spread, ratio }, index) => [
        ...[name, withRange(spread), withRange(ratio), sizes[index]! / subject.payload.length],
      ]),
    },
    targets:
      ready.length === 0
        ? []
        : [
            target(
              `whole service on ${megabytes} MB, against the best tool measured`,
              `at least ${promises.timesAsFast} times as fast`,
              best,
              best >= promises.timesAsFast,
            ),
          ],
  };
}

function target(what: string, wanted: string, figure: number, met: boolean): Target {
  return { what, target: wanted, measured: plain(figure), met };
}

/** What the tool said last; paths of this run are nobody's business. */
function lastLine(error: unknown): string {
  const { killed, stderr } = error as { readonly killed?: boolean; readonly stderr?: string };
  return killed === true ? 'it was stopped' : (stderr?.trim().split('\n').at(-1) ?? String(error));
}
