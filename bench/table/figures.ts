/** What a policy's sittings come to. Pure. */
import { ratios } from '../harness/rounds.js';
import { median, quantile, spread } from '../harness/spread.js';
import type { Spread } from '../harness/spread.js';
import type { Sitting } from './bed.js';

export interface Figures {
  readonly policy: string;
  /** Seconds a request, by client. */
  readonly byClient: readonly number[];
  readonly average: number;
  readonly p50: number;
  readonly p99: number;
  /** Requests a second, all clients together. */
  readonly throughput: number;
  /** Requests that each server hid. */
  readonly led: Readonly<Record<string, number>>;
  readonly failed: readonly string[];
  /** Seconds of CPU a request, of all processes; the kernel's and the disk's are not in it. */
  readonly cpu: number;
}

/** @throws RangeError without a sitting */
export function figuresOf(policy: string, sittings: readonly Sitting[]): Figures {
  const clients = sittings[0]!.byClient.length;
  const ofClient = (index: number) => sittings.flatMap(({ byClient }) => byClient[index]!);
  const all = sittings.flatMap(({ byClient }) => byClient.flat());
  const took = all.map(({ tookMs }) => tookMs / 1000);
  const wallS = sum(sittings.map(({ wallMs }) => wallMs / 1000));
  const led: Record<string, number> = {};
  for (const { leader, failure } of all) if (failure === undefined) led[leader] = (led[leader] ?? 0) + 1;
  const cpuMs = sum(sittings.flatMap(({ used }) => Object.values(used).map((one) => one.cpuMs)));
  return {
    policy,
    byClient: Array.from({ length: clients }, (_, index) =>
      mean(ofClient(index).map(({ tookMs }) => tookMs / 1000)),
    ),
    average: mean(took),
    p50: median(took),
    p99: quantile(took, 0.99),
    throughput: all.length / wallS,
    led,
    failed: all.flatMap(({ failure }) => failure ?? []),
    cpu: cpuMs / 1000 / all.length,
  };
}

/** A policy's figures, of all rounds together and of each. */
export interface Compared extends Figures {
  readonly rounds: readonly Figures[];
}

/** @throws RangeError without a sitting */
export function comparedOf(policy: string, sittings: readonly Sitting[]): Compared {
  const rounds = sittings.map((sitting) => figuresOf(policy, [sitting]));
  return { ...figuresOf(policy, sittings), rounds };
}

/** How many times a figure of `other` that of `one` is, within each round. */
export function times(other: Compared, one: Compared, figure: (of: Figures) => number): Spread {
  return spread(ratios(other.rounds.map(figure), one.rounds.map(figure)));
}

/** The policy `none` is one server for all; of several such, the one in the middle. */
export function middle<Some extends Figures>(all: readonly Some[]): Some {
  const sorted = [...all].sort((one, other) => one.average - other.average);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

const sum = (figures: readonly number[]): number => figures.reduce((total, figure) => total + figure, 0);
const mean = (figures: readonly number[]): number => sum(figures) / figures.length;
