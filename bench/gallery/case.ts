/** `gallery`: a peer's gallery browsed, as thumbnails, by another; nothing known of its photos, and all of them. */
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { Engine } from '../../client/engine.js';
import { pathsOf } from '../../client/vault/home.js';
import type { Person } from '../../demo/person.js';
import type { BenchCase, Report, Target } from '../harness/case.js';
import { countOf } from '../harness/options.js';
import { Household, peakMemory } from '../harness/household.js';
import type { Measured } from '../harness/rounds.js';
import { seconds } from '../harness/rounds.js';
import { plain, spread, withRange } from '../harness/spread.js';
import { bareThumbnails } from './bare.js';
import { makePhotos } from './photos.js';

const promises = { ofBare: 0.9, firstMs: 150, warmSeconds: 1, memoryMB: 300 };

/** When thumbnails came, in seconds after the gallery was asked for. */
interface Browsed {
  readonly first: number;
  readonly last: number;
}

export const gallery: BenchCase = {
  name: 'gallery',
  summary: 'A thousand photos, a hundred of them of 12 megapixels, as thumbnails at a peer.',
  options: (command: Command) => {
    command.option('--photos <count>', 'how many photos', countOf);
  },
  async run(run) {
    const count = Number(run.options['photos'] ?? (run.quick ? 20 : 1_000));
    run.note(`making ${count} photos`);
    const stash = path.join(run.folder, 'photos');
    const { files, large, source } = await makePhotos(stash, count);
    // Her client looks through its gallery as soon as it is up: so the photos come after that, in one go.
    const served = path.join(run.folder, 'served');
    await mkdir(served);
    const words = ['--gallery', served, '--open'];
    const household = await Household.open(run);
    const alice = await household.person('alice', words);
    const { engine } = await household.player('bob');
    const cold: Browsed[] = [];
    const warm: Browsed[] = [];
    const memory: number[] = [];
    const browseCold = async (): Promise<number> => {
      await forgetAll(alice);
      await household.start(alice, words);
      await rename(stash, path.join(served, 'photos'));
      cold.push(await browsed(engine, count));
      warm.push(await browsed(engine, count));
      await rename(path.join(served, 'photos'), stash);
      memory.push((await peakMemory(alice.up!.pid)) ?? Number.NaN);
      return count / cold.at(-1)!.last;
    };
    const [bare, ours] = await run.interleave(
      [
        {
          name: 'sharp alone, all cores',
          measure: async () => count / (await seconds(() => bareThumbnails(files))),
        },
        { name: 'Glimpse, cold', measure: browseCold },
      ],
      Math.min(run.rounds, 3),
    );
    // The first round does not count.
    for (const list of [cold, warm, memory]) list.shift();
    return report({ count, large, source, bare: bare!, ours: ours!, cold, warm, memory });
  },
};

/** Ends her client and removes what it knows of photos. */
async function forgetAll(alice: Person): Promise<void> {
  await alice.up!.stop();
  await rm(pathsOf(alice.home).thumbnails, { recursive: true });
}

/** @throws Error if a thumbnail is missing */
async function browsed(engine: Engine, count: number): Promise<Browsed> {
  const from = performance.now();
  let thumbnails = 0;
  let first = Number.NaN;
  for await (const part of engine.browse('alice')) {
    if (part.kind === 'notice') throw new Error(`${part.name}: ${part.message}`);
    if (part.kind !== 'thumbnail') continue;
    thumbnails += 1;
    if (thumbnails === 1) first = (performance.now() - from) / 1_000;
  }
  if (thumbnails !== count) throw new Error(`${thumbnails} thumbnails of ${count} came`);
  return { first, last: (performance.now() - from) / 1_000 };
}

interface Found {
  readonly count: number;
  readonly large: number;
  readonly source: string;
  readonly bare: Measured;
  readonly ours: Measured;
  readonly cold: readonly Browsed[];
  readonly warm: readonly Browsed[];
  readonly memory: readonly number[];
}

function report({ count, large, source, bare, ours, cold, warm, memory }: Found): Report {
  const of = (browses: readonly Browsed[], which: keyof Browsed) =>
    spread(browses.map((each) => each[which]));
  const peak = Math.max(...memory);
  const firstMs = of(cold, 'first').median * 1_000;
  const warmSeconds = of(warm, 'last').median;
  const target = (what: string, wanted: string, figure: number, met: boolean): Target => ({
    what,
    target: wanted,
    measured: plain(figure),
    met,
  });
  return {
    tables: [
      {
        title: `${count} photos, ${large} of them of 12 megapixels`,
        columns: ['what', 'thumbnails/s: median (min-max)', 'to sharp alone', 'first, s', 'last, s'],
        rows: [
          [bare.name, withRange(bare.spread), withRange(bare.ratio), '', ''],
          [
            ...[ours.name, withRange(ours.spread), withRange(ours.ratio)],
            ...[withRange(of(cold, 'first')), withRange(of(cold, 'last'))],
          ],
          [
            ...['Glimpse, warm', withRange(spread(warm.map(({ last }) => count / last))), ''],
            ...[withRange(of(warm, 'first')), withRange(of(warm, 'last'))],
          ],
        ],
      },
    ],
    targets: [
      target(
        'cold, to sharp alone with all cores',
        `at least ${promises.ofBare}`,
        ours.ratio.median,
        ours.ratio.median >= promises.ofBare,
      ),
      target(
        'first thumbnail, cold, in ms',
        `within ${promises.firstMs}`,
        firstMs,
        firstMs <= promises.firstMs,
      ),
      target(
        'all of them, warm, in s',
        `within ${promises.warmSeconds}`,
        warmSeconds,
        warmSeconds <= promises.warmSeconds,
      ),
      target(
        'memory of the owner’s process at its highest, in MB',
        `under ${promises.memoryMB}`,
        peak,
        peak < promises.memoryMB,
      ),
    ],
    notes: [
      `The photos of 12 megapixels are ${source}.`,
      'sharp alone reads each file and makes the same thumbnail. Glimpse also hashes each photo, reads its size, makes a placeholder, keeps both in its index, and sends them over mutual TLS to another process, which is the bench itself.',
      'Cold: an empty index, from asking to the last thumbnail, a connection made included. Warm: asked again.',
    ],
  };
}
