/**
 * The policies that the ring is compared with, each at its best: none of them waits for an answer, and what is
 * fresh in them is free of charge.
 */
import type { Machine } from './machine.js';
import type { Policy, Rival, Surroundings } from './policy.js';

/** All to the server whose capacity is the median. */
export const none: Rival = {
  name: 'none',
  make: ({ machines }) => {
    const order = [...machines].sort((a, b) => a.cores * a.speed - b.cores * b.speed);
    const median = order[Math.floor(order.length / 2)]!;
    return { route: (_, assign) => assign(median) };
  },
};

export const randomly: Rival = {
  name: 'random',
  make: ({ machines, random }) => ({ route: (_, assign) => assign(random.pick(machines)) }),
};

export const roundRobin: Rival = {
  name: 'round robin',
  make: ({ machines }) => {
    let next = 0;
    return { route: (_, assign) => assign(machines[next++ % machines.length]!) };
  },
};

/** Smooth weighted round robin, as nginx does it; the weights are cores x speed. */
export const weighted: Rival = {
  name: 'weighted round robin',
  make: ({ machines }) => {
    const weights = machines.map(({ cores, speed }) => cores * speed);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const current = weights.map(() => 0);
    return {
      route: (_, assign) => {
        weights.forEach((weight, index) => (current[index]! += weight));
        const best = current.reduce((found, value, index) => (value > current[found]! ? index : found), 0);
        current[best]! -= total;
        assign(machines[best]!);
      },
    };
  },
};

/** Of two servers drawn, the one with less in flight at this moment. */
export const twoChoices: Rival = {
  name: 'two choices',
  make: ({ machines, random }) => ({
    route: (_, assign) => {
      const [one, other] = [random.pick(machines), random.pick(machines)];
      assign(other.inFlight < one.inFlight ? other : one);
    },
  }),
};

/** Where this request adds least to the time of all, since all work that is left or on its way is known. */
export const perfect: Rival = {
  name: 'perfect knowledge',
  make: ({ machines }) => {
    const coming = machines.map((): number[] => []);
    const cost = (machine: Machine, workMs: number): number =>
      machine.wouldCostMs(workMs, coming[machine.index]!);
    return {
      route: ({ workMs }, assign) => {
        const machine = least(machines, (one) => cost(one, workMs));
        coming[machine.index]!.push(workMs);
        assign(machine);
      },
      admits: (machine, { workMs }) => {
        const there = coming[machine.index]!;
        there.splice(there.indexOf(workMs), 1);
        return true;
      },
    };
  },
};

function least(machines: readonly Machine[], costOf: (machine: Machine) => number): Machine {
  let best = machines[0]!;
  let bestCost = Infinity;
  for (const machine of machines) {
    const cost = costOf(machine);
    if (cost < bestCost) [best, bestCost] = [machine, cost];
  }
  return best;
}

const sampleMs = 1000;

/** Calls back with the part of each server's cores that was used in the second before, every second. */
function everySecond({ agenda, machines }: Surroundings, sampled: (parts: readonly number[]) => void): void {
  let before = machines.map((machine) => machine.used());
  const sample = (): void => {
    const now = machines.map((machine) => machine.used());
    const usedMs = (index: number): number =>
      now[index]!.ownMs + now[index]!.othersMs - before[index]!.ownMs - before[index]!.othersMs;
    sampled(machines.map(({ cores }, index) => usedMs(index) / (cores * sampleMs)));
    before = now;
    agenda.after(sampleMs, sample);
  };
  agenda.after(sampleMs, sample);
}

/** The lowest CPU as of the last second; the same for a second. */
export const lowestCpu: Rival = {
  name: 'lowest CPU a second ago',
  make: (around) => {
    let chosen = around.machines[0]!;
    everySecond(around, (parts) => (chosen = least(around.machines, ({ index }) => parts[index]!)));
    return { route: (_, assign) => assign(chosen) };
  },
};

/**
 * Forecasts each server's CPU from its seconds (Holt's level and trend), adds what it has sent there since, and takes
 * the lowest for its capacity.
 */
export const forecast: Rival = {
  name: 'forecast',
  make: (around) => {
    const { agenda, machines } = around;
    const level = machines.map(() => 0);
    const trend = machines.map(() => 0);
    const sent = machines.map(() => 0);
    let sampledAtMs = agenda.nowMs;
    everySecond(around, (parts) => {
      sampledAtMs = agenda.nowMs;
      parts.forEach((part, index) => {
        const before = level[index]!;
        level[index] = 0.5 * part + 0.5 * (before + trend[index]!);
        trend[index] = 0.3 * (level[index] - before) + 0.7 * trend[index]!;
        sent[index] = 0;
      });
    });
    return {
      route: ({ workMs }, assign) => {
        const ahead = (agenda.nowMs - sampledAtMs) / sampleMs;
        const expected = ({ index, cores, speed }: Machine): number => {
          const cpu = Math.max(0, level[index]! + ahead * trend[index]!) * cores;
          return (cpu + (sent[index]! + workMs) / speed / sampleMs) / (cores * speed);
        };
        const machine = least(machines, expected);
        sent[machine.index]! += workMs;
        assign(machine);
      },
    } satisfies Policy;
  },
};
