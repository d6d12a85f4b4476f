/** One run of chaos: a town lives while things go wrong in it; then all is healed, looked at, and judged. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../bench/harness/spread.js';
import { Asking } from './asking.js';
import { Faults } from './faults.js';
import { People } from './people.js';
import { check } from './rules/check.js';
import type { Violation } from './rules/check.js';
import type {
  Outcome as Asked,
  Begun,
  Ending,
  FinalLog,
  GivenState,
  HeldState,
  Operation,
} from './rules/history.js';
import { drawSchedule } from './rules/schedule.js';
import type { Kind, Part } from './rules/schedule.js';
import { Town } from './town.js';
import type { Client } from './town.js';

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly etcd: boolean;
  readonly servers: number;
  readonly clients: number;
  /** Empty; everything lies in it. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Tells the person at the terminal how far it is. */
  readonly note: (text: string) => void;
}

export interface Outcome {
  readonly operations: readonly Operation[];
  readonly violations: readonly Violation[];
  readonly parts: readonly Part[];
  /** By kind of fault: from there to the next grant, median and number, ms. */
  readonly firstGrants: Readonly<
    Partial<Record<Kind, { readonly medianMs: number; readonly count: number }>>
  >;
}

const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'];
/** Photos in each gallery: as many as are shared in that time, and some. */
const photosPerMinute = 12;
const photosAtLeast = 20;
/** A disk that becomes full by itself stays full, and nothing that waits would ever go out. */
const diskMiBAtLeast = 96;
const diskMiBPerMinute = 5;
/** Between two looks whether somebody ended by himself. */
const lookMs = 500;
/** For so long at most what waits may wait when all is healed: the longest pause of an outbox, and more. */
const healMs = 420_000;
/** Grants whose pictures are opened once more in the end. */
const openedMax = 80;

export async function runChaos(options: ChaosOptions): Promise<Outcome> {
  const { minutes, seed, folder, etcd, servers, note, signal } = options;
  const mishaps: string[] = [];
  const mishap = (what: string): void => {
    note(what);
    mishaps.push(what);
  };
  const clients = names.slice(0, options.clients);
  const photos = Math.max(photosAtLeast, Math.ceil(minutes * photosPerMinute));
  const diskMiB = diskMiBAtLeast + Math.ceil(minutes * diskMiBPerMinute);
  note(`starting ${servers} servers, ${clients.length} clients${etcd ? ' and etcd' : ''}`);
  const town = await Town.open({ folder, etcd, servers, clients, photos, diskMiB, mishap });
  try {
    const parts = drawSchedule(seed, minutes * 60_000, town.inventory);
    const people = [...town.clients.values()];
    let beganMs = 0;
    const now = (): number => performance.now() - beganMs;
    const asking = new Asking(now, mishap);
    for (const viewer of people)
      for (const owner of people) if (owner !== viewer) await asking.browse(viewer, owner.name);

    const living = new AbortController();
    beganMs = performance.now();
    const life = new People(asking, people, (owner) => photosOf(town, owner), seed);
    const faults = new Faults(town, now, signal);
    const lived = Promise.all([life.live(living.signal), watch(town, living.signal)]);
    note(`${(parts.at(-1)!.toMs / 60_000).toFixed(1)} minutes of faults`);
    await Promise.race([faults.play(parts), interruption(signal)]);
    living.abort();
    await lived;
    note(
      `healed; ${asking.operations.length} operations on ${life.grants.length} grants: what waits is waited for`,
    );
    const ending = await settle(asking, town, life, mishaps);
    const rolling = faults.played.flatMap(({ name, fromMs, toMs }, at) => {
      const calmUntilMs = faults.played[at + 1]?.fromMs ?? Infinity;
      return name === 'rolling' ? [{ fromMs, toMs, calmUntilMs }] : [];
    });
    return {
      operations: asking.operations,
      violations: check({ operations: asking.operations, ending, digests: town.digests, rolling }),
      parts: faults.played,
      firstGrants: medians(faults),
    };
  } finally {
    await town.close();
  }
}

async function interruption(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw new Error('It was interrupted.');
}

function photosOf(town: Town, owner: string): readonly string[] {
  const keys = [...town.digests.keys()].filter((key) => key.startsWith(`${owner}/`));
  return keys.map((key) => key.slice(owner.length + 1));
}

async function watch(town: Town, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await town.look();
    await sleep(lookMs, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Waits until nothing waits, opens pictures once more, and looks at everything. A sender may have so much with a
 * viewer that nobody opened, so what has come is opened, and makes room for what waits.
 */
async function settle(
  asking: Asking,
  town: Town,
  people: People,
  mishaps: readonly string[],
): Promise<Ending> {
  const { grants } = people;
  const untilMs = performance.now() + healMs;
  let looked = await lookAtAll(asking, town);
  while (performance.now() < untilMs && !isSettled(grants, looked)) {
    for (const { grant, viewer } of people.unopened)
      if (looked.held.get(grant)?.isThere) await people.open(town.clients.get(viewer)!, grant);
    await sleep(lookMs);
    looked = await lookAtAll(asking, town);
  }
  const opened = await openAgain(asking, town, grants, looked);
  const logs = new Map<string, FinalLog | undefined>();
  for (const { grant, owner } of grants) logs.set(grant, await asking.log(town.clients.get(owner)!, grant));
  return { logs, opened, ...(await lookAtAll(asking, town)), mishaps };
}

type Looked = Pick<Ending, 'given' | 'held'>;

async function lookAtAll(asking: Asking, town: Town): Promise<Looked> {
  const given = new Map<string, GivenState>();
  const held = new Map<string, HeldState>();
  for (const client of town.clients.values()) {
    for (const type of ['shared', 'inbox'] as const) {
      const outcome = await asking.ask(client, { type });
      if (outcome?.type !== 'ok') continue;
      const { answer } = outcome;
      if (answer.type === 'given') for (const each of answer.grants) given.set(each.grant, each);
      if (answer.type === 'held') for (const each of answer.grants) held.set(each.grant, each);
    }
  }
  return { given, held };
}

function isSettled(grants: readonly Begun[], { given, held }: Looked): boolean {
  return grants.every(({ grant }) => {
    const [owned, holding] = [given.get(grant), held.get(grant)];
    if (!owned || !holding || owned.used === null) return false;
    return !owned.pending && owned.taken === owned.version && holding.version === owned.version;
  });
}

/** The latest, one view each: what was acknowledged is there, and opens to the photo that was shared. */
async function openAgain(
  asking: Asking,
  town: Town,
  grants: readonly Begun[],
  { given }: Looked,
): Promise<Ending['opened']> {
  const opened = new Map<string, Asked | undefined>();
  for (const { grant, owner, viewer } of grants.slice(-openedMax)) {
    const client = (name: string): Client => town.clients.get(name)!;
    // The quota may be less than what was spent.
    const views = (given.get(grant)?.used ?? 0) + 1;
    await asking.ask(client(owner), { type: 'change', viewer, grant, change: { views } });
    opened.set(grant, await asking.ask(client(viewer), { type: 'view', grant }));
  }
  return opened;
}

function medians({ firstGrants }: Faults): Outcome['firstGrants'] {
  const kinds = [...new Set(firstGrants.map(({ kind }) => kind))];
  return Object.fromEntries(
    kinds.map((kind) => {
      const figures = firstGrants.filter((each) => each.kind === kind).map(({ tookMs }) => tookMs);
      return [kind, { medianMs: Math.round(median(figures) * 10) / 10, count: figures.length }];
    }),
  );
}
