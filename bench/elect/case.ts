/**
 * How long a client waits for a leader: rings of 3, 10 and 30 server processes on this machine, idle, asked at the
 * server where the token rests or at one after the other, and a ring of 3 while three clients have photos hidden.
 */
import os from 'node:os';
import path from 'node:path';
import type { BenchCase, Report, Run } from '../harness/case.js';
import { countsOf } from '../harness/options.js';
import { median, plain, quantile, spread, withRange } from '../harness/spread.js';
import type { Spread } from '../harness/spread.js';
import { Bed } from '../table/bed.js';
import type { Child } from '../table/child.js';
import { BenchCloud } from '../table/cloud.js';
import type { ServerAddress } from '../table/cloud.js';
import { photoSizes } from '../table/photos.js';
import type { Granted } from '../table/requested.js';

/** Enough that what answers is compiled, as it is in a server that has run for a while; below what a name may ask. */
const electionsPerRound = 300;
const deadlineMs = 10_000;

interface Row {
  readonly servers: number;
  readonly where: string;
  /** By round: between two of them others are elected. */
  readonly rounds: Granted[][];
}

const usualRings: readonly number[] = [3, 10, 30];
/** With more of them on a core, pings of each to each keep it busy, and members take each other for dead. */
const serversPerCore = 8;

export const elect: BenchCase = {
  name: 'elect',
  summary: 'a grant, idle and under load, by size of the ring',
  options: (command) => command.option('--rings <sizes>', 'how many servers', countsOf, usualRings),
  run: async (run) => {
    const { rings } = run.options as { readonly rings: readonly number[] };
    const usual = rings === usualRings;
    const asked = run.quick ? [3] : rings;
    const cores = os.availableParallelism();
    const tooMany = usual ? asked.filter((servers) => servers > serversPerCore * cores) : [];
    const skipped = tooMany.map(
      (servers) =>
        `SKIPPED: ${servers} servers on ${cores} cores, which pings alone keep busy: --rings ${servers} tries`,
    );
    for (const line of skipped) run.note(line);
    const rows: Row[] = [];
    for (const servers of asked) if (!tooMany.includes(servers)) rows.push(...(await idle(run, servers)));
    rows.push(...(await underLoad(run)));
    return { ...(usual ? {} : { variant: `rings-${rings.join('-')}` }), ...report(run, rows, skipped) };
  },
};

/** The server asked and the next, until each has its grants: the token rests, or travels each time. */
async function elections(
  run: Run,
  servers: readonly ServerAddress[],
  member: Child,
  load: string,
): Promise<Row[]> {
  const same: Row = { servers: servers.length, where: `${load}, one server asked`, rounds: [] };
  const turns: Row = { servers: servers.length, where: `${load}, servers asked in turn`, rounds: [] };
  const count = run.quick ? 6 : electionsPerRound;
  const contestant = (row: Row, pick: (index: number) => number) => ({
    name: row.where,
    measure: async () => {
      const addresses = Array.from({ length: count }, (_, index) => servers[pick(index)]!.address);
      const granted = await member.ask<Granted[]>('elect', { addresses, deadlineMs });
      row.rounds.push(granted);
      return median(granted.map(({ tookMs }) => tookMs));
    },
  });
  await run.interleave([contestant(same, () => 0), contestant(turns, (index) => index % servers.length)]);
  // As the rounds do: the first is forgotten.
  return [same, turns].map((row) => ({ ...row, rounds: row.rounds.slice(1) }));
}

async function idle(run: Run, count: number): Promise<Row[]> {
  const servers = Array.from({ length: count }, (_, index) => `s${String(index + 1).padStart(2, '0')}`);
  run.note(`starting ${count} servers`);
  const cloud = await BenchCloud.open({ folder: path.join(run.folder, `ring-${count}`), servers });
  run.atEnd(() => cloud.close());
  const member = await cloud.member('asker');
  const rows = await elections(run, await cloud.addresses(), member, 'idle');
  await cloud.close();
  return rows;
}

/** Three clients request photos of 343 KB all the while. */
async function underLoad(run: Run): Promise<Row[]> {
  const size = photoSizes[run.quick ? 0 : 1]!;
  const folder = path.join(run.folder, 'busy');
  const bed = await Bed.make({ folder, size, owners: 1, quotas: undefined });
  run.atEnd(() => bed.close());
  const member = await bed.another('asker');
  const ending = new AbortController();
  const load = (async () => {
    while (!ending.signal.aborted) {
      const { byClient } = await bed.sit('ring', 3, run.quick ? 2 : 20);
      const failure = byClient.flat().find((one) => one.failure !== undefined)?.failure;
      if (failure !== undefined) throw new Error(failure);
    }
  })();
  try {
    const measuring = elections(run, await bed.addresses(), member, 'under load');
    return await Promise.race([measuring, load.then(() => measuring)]);
  } finally {
    ending.abort();
    await load;
    await bed.close();
  }
}

function report(run: Run, rows: readonly Row[], skipped: readonly string[]): Report {
  const [first] = rows as [Row];
  const p50 = tookMs(first, 0.5);
  return {
    tables: [
      {
        title: 'Elections, as their client sees them',
        columns: ['servers', 'asked', 'p50, ms', 'p99, ms', 'hops of the token an election', 'elections'],
        rows: rows.map((row) => {
          const { servers, where, rounds } = row;
          const took = [0.5, 0.99].map((part) => withRange(tookMs(row, part)));
          return [servers, where, ...took, plain(hopsOf(rounds)), rounds.flat().length];
        }),
      },
    ],
    targets: run.quick
      ? []
      : [
          {
            what: `${first.servers} servers, ${first.where}: p50`,
            target: 'at most 2 ms',
            measured: `${withRange(p50)} ms`,
            met: p50.median <= 2,
          },
        ],
    notes: [
      'The servers are processes of their own; all share the cores of this machine.',
      'An election whose token rests elsewhere takes a message for each member on the way to it, and one for each on the way back: once round the ring. The ring’s simulator checks that it never takes more than 2n.',
      'Nothing is hidden with the tickets, so their credits stand for ten seconds.',
      ...skipped,
    ],
  };
}

/** Such a part of the elections of a round took no longer, by round. */
function tookMs({ rounds }: Row, part: number): Spread {
  return spread(
    rounds.map((granted) =>
      quantile(
        granted.map((one) => one.tookMs),
        part,
      ),
    ),
  );
}

/** Within an epoch, by election. */
function hopsOf(rounds: readonly (readonly Granted[])[]): number {
  const steps = rounds.flatMap((granted) =>
    granted.slice(1).map(({ hop }, index) => hop - granted[index]!.hop),
  );
  const within = steps.filter((step) => step >= 0);
  return within.length === 0 ? 0 : within.reduce((sum, step) => sum + step, 0) / within.length;
}
