/**
 * What goes wrong, when, and with whom: a function of the seed, the time there is and who is there. Pure.
 * docs/reliability.md, "The faults".
 *
 * A cycle has three parts. `mixed`: faults of all kinds, on anyone, at any time, overlapping. `rotation`: each
 * server is away in turn, so that one always is. `rolling`: each server is restarted in good order, and no request
 * may fail. Between them nothing goes wrong, until all have found each other again.
 */
import { Random } from '../../server/election/simulator/random.js';

/** killed -9, stopped (SIGSTOP), cut off, reached slowly, its disk full, or asked to end and started again. */
export type Kind = 'kill' | 'stop' | 'cut' | 'slow' | 'full' | 'restart';

export interface Fault {
  readonly kind: Kind;
  readonly target: string;
  readonly atMs: number;
  /** Until it is undone. A restart takes as long as it takes. */
  readonly forMs: number;
}

export interface Part {
  readonly name: 'mixed' | 'rotation' | 'rolling';
  readonly fromMs: number;
  readonly toMs: number;
  readonly faults: readonly Fault[];
}

export interface Inventory {
  readonly servers: readonly string[];
  readonly clients: readonly string[];
  /** Members of an etcd. */
  readonly members: readonly string[];
  /** Disks that can be filled. */
  readonly disks: readonly string[];
  /** What can be done to cables. */
  readonly cables: readonly ('cut' | 'slow')[];
}

/** Of a cycle, in order, ms. A run shorter than a cycle is one cycle, its faults shortened most. */
const cycle = { mixed: 80_000, rotation: 60_000, rolling: 25_000, calm: 5_000 } as const;
export const cycleMs = cycle.mixed + cycle.rotation + cycle.rolling + 3 * cycle.calm;

/** Between two faults of the mixed part, and how long one lasts, ms. */
const gapMs = [1_000, 5_000] as const;
const lengthMs = [500, 12_000] as const;

export function drawSchedule(seed: number, totalMs: number, who: Inventory): readonly Part[] {
  const random = new Random(seed);
  const cycles = Math.max(1, Math.floor(totalMs / cycleMs));
  const calmMs = Math.min(cycle.calm, totalMs / cycles / 10);
  const scale = (totalMs / cycles - 3 * calmMs) / (cycleMs - 3 * cycle.calm);
  const parts: Part[] = [];
  let fromMs = 0;
  for (let count = 0; count < cycles; count += 1) {
    for (const name of ['mixed', 'rotation', 'rolling'] as const) {
      const toMs = fromMs + cycle[name] * scale;
      parts.push({ name, fromMs, toMs, faults: draws[name](random, fromMs, toMs, who) });
      fromMs = toMs + calmMs;
    }
  }
  return parts;
}

type Draw = (random: Random, fromMs: number, toMs: number, who: Inventory) => readonly Fault[];

const draws: Readonly<Record<Part['name'], Draw>> = { mixed, rotation, rolling };

function mixed(random: Random, fromMs: number, toMs: number, who: Inventory): readonly Fault[] {
  const faults: Fault[] = [];
  for (let atMs = fromMs; atMs < toMs; atMs += random.between(...gapMs)) {
    const { kind, target } = drawFault(random, who);
    const forMs = Math.min(random.between(...lengthMs), toMs - atMs);
    const isBusy = faults.some((other) => other.target === target && other.atMs + other.forMs >= atMs);
    if (!isBusy) faults.push({ kind, target, atMs, forMs });
  }
  return faults;
}

function drawFault(random: Random, who: Inventory): Pick<Fault, 'kind' | 'target'> {
  const { servers, clients, members, disks, cables } = who;
  if (disks.length > 0 && random.chance(0.1)) return { kind: 'full', target: random.pick(disks) };
  if (members.length > 0 && random.chance(0.2))
    return { kind: random.pick(['kill', 'stop'] as const), target: random.pick(members) };
  const kinds: readonly Kind[] = ['kill', 'stop', ...cables];
  return { kind: random.pick(kinds), target: random.pick(random.chance(0.6) ? servers : clients) };
}

/** One is back when the next goes. */
function rotation(random: Random, fromMs: number, toMs: number, { servers }: Inventory): readonly Fault[] {
  const first = random.integer(0, servers.length - 1);
  const forMs = (toMs - fromMs) / servers.length;
  return servers.map((_, turn) => ({
    kind: random.pick(['kill', 'stop'] as const),
    target: servers[(first + turn) % servers.length]!,
    atMs: fromMs + turn * forMs,
    forMs,
  }));
}

function rolling(_: Random, fromMs: number, toMs: number, { servers }: Inventory): readonly Fault[] {
  const forMs = (toMs - fromMs) / servers.length;
  return servers.map((target, turn) => ({ kind: 'restart', target, atMs: fromMs + turn * forMs, forMs }));
}
