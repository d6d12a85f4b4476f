/**
 * `directory`: many names and many who attend at one server. Names are registered by the product's own code without
 * its network; everything else goes over mutual TLS from processes of their own.
 */
import { mkdir } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { awaited } from '../../demo/processes.js';
import type { BenchCase, Report, Run } from '../harness/case.js';
import { countOf } from '../harness/options.js';
import { plain, quantile, spread, withRange } from '../harness/spread.js';
import type { Spread } from '../harness/spread.js';
import { Child } from '../table/child.js';
import type { Used } from '../table/child.js';
import { BenchCloud } from '../table/cloud.js';
import { measuredVersion } from './told.js';
import type { Asked, Asking, Moments, Present } from './told.js';

/** How long a server is left alone to see what those who attend cost while nothing happens. */
const idleMs = 5_000;
const kib = 1_024;

interface Sizes {
  readonly names: number;
  readonly present: number;
  /** Calls of each kind, of a round. */
  readonly calls: number;
}

/** What a client that stays connected costs its server. */
interface Cost {
  readonly kind: string;
  readonly kibEach: number;
  readonly secondsToConnect: number;
  /** Of one core, while nothing happens. */
  readonly idleShare: number;
}

interface Bed {
  readonly server: Child;
  readonly bare: Child;
  readonly crowd: Child;
  readonly asker: Child;
  readonly address: string;
  readonly viewers: readonly Present[];
}

export const directory: BenchCase = {
  name: 'directory',
  summary: 'many registered, many attending at one server: look-ups, lists, updates, what each costs',
  options: (command) =>
    command
      .option('--names <count>', 'how many are registered', countOf, 100_000)
      .option('--present <count>', 'how many attend', countOf, 3_000),
  run: async (run) => {
    const { names, present } = run.options as { names: number; present: number };
    const sizes = run.quick ? { names: 300, present: 20, calls: 40 } : { names, present, calls: 1_000 };
    const bed = await open(run, sizes);
    const costs = [await hold(run, bed), await attend(run, bed)];
    // Three thousand people have a machine each. From now on theirs are one that does not hold up who asks.
    setPriority(bed.crowd.pid, constants.priority.PRIORITY_LOW);
    const calls = await callAll(run, bed, sizes);
    await give(run, bed);
    const fanOut = await change(run, bed);
    return report(sizes, costs, calls, fanOut);
  },
};

async function open(run: Run, { names, present }: Sizes): Promise<Bed> {
  const data = path.join(run.folder, 'cloud');
  await mkdir(data);
  const start = (file: string, ...node: string[]): Child => {
    const program = fileURLToPath(new URL(`${file}.process.js`, import.meta.url));
    const child = new Child(
      path.basename(file),
      [...node, program, data],
      path.join(run.folder, `${path.basename(file)}.log`),
    );
    run.atEnd(() => child.stop());
    return child;
  };
  const crowd = start('./crowd');
  run.note(`registering ${names} names`);
  await crowd.ask('register', names);
  const viewers = await crowd.ask<Present[]>('prepare', present);
  const cloud = await BenchCloud.open({ folder: run.folder, servers: ['s1'], node: ['--expose-gc'] });
  run.atEnd(() => cloud.close());
  const [first] = await cloud.addresses();
  return {
    address: first!.address,
    crowd,
    viewers,
    server: cloud.servers[0]!,
    bare: start('../harness/bare', '--expose-gc'),
    asker: start('./asking'),
  };
}

/** The contestant: streams of grpc-js as it comes. */
async function hold(run: Run, { bare, crowd, viewers }: Bed): Promise<Cost> {
  const address = await bare.ask<string>('ready');
  const cost = await costOf(run, 'bare stream', bare, viewers.length, () => crowd.ask('hold', address));
  await crowd.ask('leave');
  return cost;
}

function attend(run: Run, { server, crowd, address, viewers }: Bed): Promise<Cost> {
  return costOf(run, 'attending client', server, viewers.length, () => crowd.ask('attend', address));
}

async function costOf(
  run: Run,
  kind: string,
  server: Child,
  count: number,
  connect: () => Promise<void>,
): Promise<Cost> {
  run.note(`${count} times: ${kind}`);
  const before = await used(server);
  const beganMs = performance.now();
  await connect();
  const secondsToConnect = (performance.now() - beganMs) / 1_000;
  const after = await used(server);
  await sleep(run.quick ? 100 : idleMs);
  const { cpuMs, elapsedMs } = await server.ask<Used>('used');
  const kibEach = (after.residentBytes - before.residentBytes) / count / kib;
  return { kind, kibEach, secondsToConnect, idleShare: cpuMs / elapsedMs };
}

/** Without its garbage. */
async function used(server: Child): Promise<Used> {
  await server.ask('collect');
  return server.ask<Used>('used');
}

interface Called {
  readonly what: string;
  readonly callers: number;
  readonly perSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
}

async function callAll(run: Run, { asker, address }: Bed, sizes: Sizes): Promise<Called[]> {
  const asked = new Map<string, Asked[]>();
  const contestants = (['lookUp', 'list'] as const).flatMap((what) =>
    [1, run.quick ? 8 : 64].map((callers) => ({
      name: `${what} ${callers}`,
      measure: async () => {
        const asking: Asking & { names: number } = {
          address,
          count: sizes.calls,
          callers,
          names: sizes.names,
        };
        const round = await asker.ask<Asked>(what, asking);
        const key = `${what} ${callers}`;
        asked.set(key, [...(asked.get(key) ?? []), round]);
        return round.tookMs.length / round.seconds;
      },
    })),
  );
  run.note('looking up and listing');
  const measured = await run.interleave(contestants);
  const found = await asker.ask<number>('listPresent', address);
  if (found !== sizes.present) throw new Error(`${sizes.present} attend, and the list shows ${found}`);
  return measured.map(({ name, spread: perSecond }) => {
    const [what, callers] = name.split(' ') as [string, string];
    return {
      what: what === 'list' ? 'a page of the list (100 names)' : 'look-up',
      callers: Number(callers),
      perSecond,
      // As the rounds do: the first is forgotten.
      ...quantiles(
        asked
          .get(name)!
          .slice(1)
          .map(({ tookMs }) => tookMs),
      ),
    };
  });
}

/** @param rounds how long each call took, by round */
function quantiles(rounds: readonly (readonly number[])[]): Pick<Called, 'p50Ms' | 'p99Ms'> {
  const of = (part: number): Spread => spread(rounds.map((tookMs) => quantile(tookMs, part)));
  return { p50Ms: of(0.5), p99Ms: of(0.99) };
}

/** Owners give each who attends a grant, which waits for a picture that does not come. */
async function give(run: Run, { asker, address, viewers }: Bed): Promise<void> {
  run.note(`a grant for each of ${viewers.length}`);
  await asker.ask('give', { address, viewers });
  await allTaken(asker, viewers.length, 1);
}

/** They change the rights of each; from putting them to their being there. */
async function change(run: Run, { asker, crowd, viewers }: Bed): Promise<Called> {
  run.note('a change of each grant');
  const beganMs = performance.now();
  const begun = await asker.ask<Moments>('change');
  const seconds = (performance.now() - beganMs) / 1_000;
  await allTaken(asker, viewers.length, measuredVersion);
  const arrivals = await crowd.ask<Moments>('arrivals');
  const tookMs = Object.entries(begun).map(([grant, sinceMs]) => arrivals[grant]! - sinceMs);
  if (tookMs.some(Number.isNaN)) throw new Error('an update did not reach its viewer');
  return {
    what: 'rights changed, and at their viewer',
    callers: 32,
    perSecond: spread([viewers.length / seconds]),
    ...quantiles([tookMs]),
  };
}

async function allTaken(asker: Child, count: number, version: number): Promise<void> {
  const all = await awaited(async () =>
    (await asker.ask<number>('taken', version)) === count ? true : undefined,
  );
  if (!all) throw new Error(`version ${version} of some rights did not reach its viewer`);
}

function report(sizes: Sizes, costs: readonly Cost[], calls: readonly Called[], fanOut: Called): Report {
  const [first] = calls as [Called];
  const attending = costs.at(-1)!;
  return {
    tables: [
      {
        title: `${plain(sizes.names)} names, ${plain(sizes.present)} attending`,
        columns: ['what', 'at once', 'a second', 'p50, ms', 'p99, ms'],
        rows: [...calls, fanOut].map(({ what, callers, ...spreads }) => [
          ...[what, callers],
          ...[spreads.perSecond, spreads.p50Ms, spreads.p99Ms].map(withRange),
        ]),
      },
      {
        title: 'What each who stays connected costs the server',
        columns: ['', 'memory, KiB', 'to connect all, s', 'of a core, nothing happening'],
        rows: costs.map(({ kind, kibEach, secondsToConnect, idleShare }) => [
          ...[kind, plain(kibEach), plain(secondsToConnect)],
          `${plain(100 * idleShare)} %`,
        ]),
      },
    ],
    targets: [
      {
        what: 'look-up, one caller: p99',
        target: 'under 5 ms',
        measured: `${withRange(first.p99Ms)} ms`,
        met: first.p99Ms.median < 5,
      },
      {
        what: 'memory of an attending client',
        target: 'under 120 KiB',
        measured: `${plain(attending.kibEach)} KiB`,
        met: attending.kibEach < 120,
      },
    ],
    notes: [
      'Memory is what the server’s process has resident more than before, without garbage, by client.',
      'Clients and their handshakes are in other processes on the same cores; once all attend, they stand back for server and callers (nice 19).',
    ],
  };
}
