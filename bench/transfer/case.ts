/** `transfer`: pictures from one client to another, against the plainest ways to move as many bytes. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import type { Engine } from '../../client/engine.js';
import type { Person } from '../../demo/person.js';
import type { BenchCase, Cell, Run, Target } from '../harness/case.js';
import { Household } from '../harness/household.js';
import type { Contestant } from '../harness/rounds.js';
import { seconds } from '../harness/rounds.js';
import { plain, withRange } from '../harness/spread.js';
import { bytesWithoutPattern } from '../hide/core.js';
import { startRivals } from './rivals.js';
import type { Rivals } from './rivals.js';
import { startScp } from './scp.js';
import type { Copy } from './scp.js';

const ofBare = 0.9;

/** A picture that alice has delivered to bob once. */
interface Delivered {
  readonly photo: string;
  readonly grant: string;
  /** Where bob keeps it. */
  readonly file: string;
}

export const transfer: BenchCase = {
  name: 'transfer',
  summary: 'Pictures from client to client over mutual TLS, against bare gRPC, TLS and scp.',
  async run(run) {
    const household = await Household.open(run);
    const bob = await household.person('bob', []);
    const { engine } = await household.player('alice');
    const rivals = await startRivals(run);
    const scp = await startScp(run);
    const rows: Cell[][] = [];
    const targets: Target[] = [];
    for (const megabytes of run.quick ? [0.5] : [4, 10, 40]) {
      run.note(`a photo of ${megabytes} MB`);
      const delivered = await deliver(engine, bob, await photoOf(run, megabytes));
      const sent = (await stat(delivered.file)).size / 1e6;
      const found = await run.interleave([
        ...(await rivalsOf(rivals, scp, delivered)),
        {
          name: 'Glimpse, durable at the viewer',
          measure: async () => sent / (await again(engine, bob, delivered)),
        },
      ]);
      for (const { name, spread, ratio } of found)
        rows.push([sent, name, withRange(spread), withRange(ratio)]);
      const edge = found[1]!.ratio.median;
      targets.push({
        what: `network part to bare gRPC over TLS, ${plain(sent)} MB`,
        target: `at least ${ofBare}`,
        measured: plain(edge),
        met: edge >= ofBare,
      });
    }
    return {
      tables: [
        {
          title: 'On loopback',
          columns: ['MB sent', 'how', 'MB/s: median (min-max)', 'to bare gRPC over TLS'],
          rows,
        },
      ],
      targets,
      notes: [
        'All but scp use TLS 1.3 with certificates on both sides, between two processes. The network part is our RPC edge with its checks of every message, as a delivery uses it, without a disk; bare gRPC and plain TLS have none either.',
        'A delivery also dials, names the snapshot by its SHA-256 (reads the picture before it is sent), is written at the viewer, hashed and read there, and synced to its disk before it is acknowledged.',
        'scp makes a connection each time, and is not synced. So does plain TLS; gRPC keeps its own.',
        ...(typeof scp === 'string' ? [`SKIPPED: ${scp}`] : []),
      ],
    };
  },
};

/** @returns in MB/s; bare gRPC, which the others are compared to, first, our edge second */
async function rivalsOf(
  { bare, edge, plain: plainTls }: Rivals,
  scp: Copy | string,
  { file }: Delivered,
): Promise<readonly Contestant[]> {
  const bytes = await readFile(file);
  const rate = async (work: () => Promise<void>) => bytes.length / 1e6 / (await seconds(work));
  const copied = `${file}.sent`;
  await writeFile(copied, bytes);
  return [
    { name: 'bare gRPC over TLS', measure: () => rate(() => bare(bytes)) },
    { name: 'Glimpse, network part', measure: () => rate(() => edge(bytes)) },
    { name: 'plain TLS', measure: () => rate(() => plainTls(bytes)) },
    ...(typeof scp === 'string' ? [] : [{ name: 'scp', measure: () => rate(() => scp(copied)) }]),
  ];
}

/** A photo file of so many megabytes, which no encoder makes smaller. */
async function photoOf(run: Run, megabytes: number): Promise<string> {
  const width = 1_000;
  const height = Math.round((megabytes * 1e6) / (3 * width));
  const file = path.join(run.folder, `photo-${megabytes}.png`);
  await sharp(bytesWithoutPattern(3 * width * height), { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toFile(file);
  return file;
}

async function deliver(alice: Engine, bob: Person, photo: string): Promise<Delivered> {
  const { grant, delivery } = await alice.share('bob', photo);
  if (delivery !== 'delivered') throw new Error(`the delivery is ${delivery}`);
  return { photo, grant, file: await keptBy(bob, grant) };
}

/** Delivers it once more. @returns how long that took, in seconds, from opening the picture to the acknowledgement */
async function again(alice: Engine, bob: Person, { photo, grant, file }: Delivered): Promise<number> {
  const { exit, error } = await bob.glimpse(['forget', grant]);
  if (exit !== 0) throw new Error(error?.message);
  let begunMs = Number.NaN;
  const { delivery } = await alice.share('bob', photo, {}, ({ step }) => {
    if (step === 'delivering') begunMs = performance.now();
  });
  const tookSeconds = (performance.now() - begunMs) / 1_000;
  if (delivery !== 'delivered') throw new Error(`the delivery is ${delivery}`);
  const kept = await keptBy(bob, grant);
  const bytes = [await readFile(kept), await readFile(`${file}.sent`)] as const;
  // The capsule is kept, so the same grant makes the same file.
  if (!bytes[0].equals(bytes[1])) throw new Error('another picture was delivered');
  return tookSeconds;
}

async function keptBy(bob: Person, grant: string): Promise<string> {
  const { result } = await bob.glimpse(['inbox']);
  const lines = result as readonly { readonly grant: string; readonly file: string }[];
  const line = lines.find((each) => each.grant === grant);
  if (line === undefined) throw new Error('bob does not hold the picture');
  return line.file;
}
