/** The servers, the others who use their CPU, and the photos: all drawn from a seed. */
import type { Agenda } from '../../server/election/simulator/agenda.js';
import type { Random } from '../../server/election/simulator/random.js';
import { Machine } from './machine.js';
import type { Built } from './machine.js';

/**
 * What a hiding costs on one core of speed 1, the whole of it: decoding and resizing the cover, then sealing,
 * digesting, interleaving and compressing in the setting `small`. docs/decisions.md, "`small` is the default".
 */
export const HIDING = { coverMs: 50, msPerMiB: 32 } as const;

/** The middle photo, and how far they differ: the logarithms are normally distributed. */
const photo = { medianMiB: 3, sigma: 0.5, mostMiB: 40 } as const;

export interface Fleet {
  readonly machines: readonly Machine[];
  /** Cores x speed that are there on average, less what others take. */
  readonly capacity: number;
}

/** Work of the next hiding, in ms. */
export function drawWorkMs(random: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return workMsOf(Math.min(photo.mostMiB, photo.medianMiB * Math.exp(photo.sigma * normal)));
}

export function workMsOf(mebibytes: number): number {
  return HIDING.coverMs + HIDING.msPerMiB * mebibytes;
}

export const meanWorkMs = workMsOf(photo.medianMiB * Math.exp(photo.sigma ** 2 / 2));

/** While others are at it, and while they are not, on average, in ms; and the part of the cores that they take. */
const others = { onMs: 2000, offMs: 4000, part: 0.5, servers: 0.3 } as const;

const onPart = others.onMs / (others.onMs + others.offMs);

function visit(agenda: Agenda, random: Random, machine: Machine): void {
  const exponential = (meanMs: number): number => -meanMs * Math.log(1 - random.next());
  const go = (on: boolean): void => {
    machine.others = on ? machine.cores * others.part : 0;
    agenda.after(exponential(on ? others.onMs : others.offMs), () => go(!on));
  };
  go(random.chance(onPart));
}

/** Quotas of a core, of which the largest is halved for a third of the time. */
export const threeUneven: readonly Built[] = [0.25, 0.4, 0.6].map((cores) => ({ cores, speed: 1 }));

export function unevenThree(agenda: Agenda, random: Random): Fleet {
  const machines = threeUneven.map((built, index) => new Machine(agenda, index, built));
  visit(agenda, random, machines[2]!);
  const lost = machines[2]!.cores * others.part * onPart;
  return { machines, capacity: machines.reduce((sum, { cores }) => sum + cores, -lost) };
}

/** One to four cores, a third faster or slower, and others on some of them. */
export function drawFleet(agenda: Agenda, random: Random, count: number): Fleet {
  let capacity = 0;
  const machines = Array.from({ length: count }, (_, index) => {
    const machine = new Machine(agenda, index, {
      cores: random.pick([1, 2, 4]),
      speed: random.between(0.7, 1.4),
    });
    const visited = random.chance(others.servers);
    if (visited) visit(agenda, random, machine);
    capacity += machine.cores * machine.speed * (visited ? 1 - others.part * onPart : 1);
    return machine;
  });
  return { machines, capacity };
}
