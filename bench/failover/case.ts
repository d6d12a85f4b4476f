/**
 * How long after a server is killed, stopped or cut off the others grant again. It is the server that holds the
 * token, since it granted last: the worst to lose. Asked is a server that is left, in that very moment.
 */
import path from 'node:path';
import { Network } from '../../demo/network.js';
import type { Host } from '../../demo/network.js';
import type { BenchCase, Report, Run } from '../harness/case.js';
import { countOf } from '../harness/options.js';
import { median, plain, withRange, spread } from '../harness/spread.js';
import type { Child } from '../table/child.js';
import { BenchCloud } from '../table/cloud.js';
import type { Granted } from '../table/requested.js';

const ids = ['s1', 's2', 's3'] as const;
const asker = 'asker';
const deadlineMs = 10_000;

interface Fault {
  readonly name: string;
  /** The median is to be below it. */
  readonly targetMs: number;
  strike(victim: Child): void | Promise<void>;
  mend(cloud: BenchCloud, victim: Child): Promise<void>;
}

const killed: Fault = {
  name: 'killed (-9)',
  targetMs: 50,
  strike: (victim) => victim.signal('SIGKILL'),
  mend: async (cloud, victim) => {
    await victim.kill();
    await cloud.restart(victim.name);
  },
};

const stopped: Fault = {
  name: 'stopped (SIGSTOP)',
  targetMs: 1000,
  strike: (victim) => victim.signal('SIGSTOP'),
  mend: async (_, victim) => victim.signal('SIGCONT'),
};

const cut = (hosts: ReadonlyMap<string, Host>): Fault => ({
  name: 'cut off (cable out)',
  targetMs: 1000,
  strike: (victim) => hosts.get(victim.name)!.cable('down'),
  mend: async (_, victim) => hosts.get(victim.name)!.cable('up'),
});

export const failover: BenchCase = {
  name: 'failover',
  summary: 'from a server that is killed, stopped or cut off to the next grant',
  options: (command) => command.option('--faults <count>', 'of each kind', countOf, 15),
  run: async (run) => {
    const network = await Network.lay();
    if (network) run.atEnd(() => network.remove());
    else run.note('NETWORK NAMESPACES CANNOT BE MADE HERE: NO CABLE IS PULLED');
    const hosts = new Map<string, Host>();
    for (const name of network ? [...ids, asker] : []) hosts.set(name, await network!.host());
    const cloud = await BenchCloud.open({ folder: path.join(run.folder, 'cloud'), servers: ids, hosts });
    run.atEnd(() => cloud.close());
    const member = await cloud.member(asker);
    const faults = [killed, stopped, ...(network ? [cut(hosts)] : [])];
    return report(run, faults, await strikes(run, faults, cloud, member), network !== undefined);
  },
};

/** By fault: how long the next grant took, ms. Kinds take turns, and so do victims. */
async function strikes(
  run: Run,
  faults: readonly Fault[],
  cloud: BenchCloud,
  member: Child,
): Promise<ReadonlyMap<Fault, readonly number[]>> {
  const took = new Map(faults.map((fault) => [fault, [] as number[]]));
  const count = run.quick ? 1 : (run.options['faults'] as number);
  for (let number = 0; number < count; number += 1) {
    for (const fault of faults) {
      run.signal.throwIfAborted();
      const victim = cloud.servers[number % ids.length]!;
      took.get(fault)!.push(await strike(fault, victim, cloud, member));
      await fault.mend(cloud, victim);
    }
  }
  return took;
}

async function strike(fault: Fault, victim: Child, cloud: BenchCloud, member: Child): Promise<number> {
  const addresses = await cloud.addresses();
  const victimAt = addresses.find(({ id }) => id === victim.name)!.address;
  const left = addresses.filter(({ id }) => id !== victim.name).map(({ address }) => address);
  const elect = (at: readonly string[]) => member.ask<Granted[]>('elect', { addresses: at, deadlineMs });
  await inPeace(
    elect,
    addresses.map(({ address }) => address),
  );
  await elect([left[0]!, victimAt]);
  const beganMs = performance.now();
  await fault.strike(victim);
  await elect([left[0]!]);
  return performance.now() - beganMs;
}

const peaceMs = 200;
const peaceTriesMax = 200;

/** All answer, quickly, twice round: the ring is whole again. @throws Error if it does not become so */
async function inPeace(
  elect: (at: readonly string[]) => Promise<Granted[]>,
  addresses: readonly string[],
): Promise<void> {
  for (let tried = 0; tried < peaceTriesMax; tried += 1) {
    const granted = await elect([...addresses, ...addresses]).catch((): Granted[] => []);
    const leaders = new Set(granted.map(({ leader }) => leader));
    const quick = granted.every(({ tookMs }) => tookMs < peaceMs);
    if (granted.length > 0 && quick && leaders.size === addresses.length) return;
  }
  throw new Error('The ring did not become whole again.');
}

function report(
  run: Run,
  faults: readonly Fault[],
  took: ReadonlyMap<Fault, readonly number[]>,
  withCables: boolean,
): Report {
  const rows = faults.map((fault) => ({ ...fault, figures: took.get(fault)! }));
  return {
    tables: [
      {
        title: 'From the fault to the next grant, three servers',
        columns: ['the holder of the token is', 'ms, median (least-most)', 'faults'],
        rows: rows.map(({ name, figures }) => [name, withRange(spread(figures)), figures.length]),
      },
    ],
    targets: run.quick
      ? []
      : rows.map(({ name, targetMs, figures }) => ({
          what: `${name}: median`,
          target: `at most ${targetMs} ms`,
          measured: `${plain(median(figures))} ms`,
          met: median(figures) <= targetMs,
        })),
    notes: withCables
      ? [
          'Every server, and the client, is on a host of its own: a network namespace with a cable to one switch.',
        ]
      : ['Network namespaces could not be made: no cable was pulled.'],
    details: Object.fromEntries(rows.map(({ name, figures }) => [name, figures])),
  };
}
