/**
 * Measures contestants side by side, so that what else the machine does meets all of them alike: in rounds, each
 * contestant once a round, in an order that is rotated each round. Ratios are taken within a round.
 */
import { spread } from './spread.js';
import type { Spread } from './spread.js';

/** Something to be measured. */
export interface Contestant {
  readonly name: string;
  /**
   * Does it, once or as often as it takes to measure.
   * @returns the figure: seconds, or whatever is compared, the same for all contestants
   */
  measure(): Promise<number>;
}

/** What a contestant did. */
export interface Measured {
  readonly name: string;
  /** By round. */
  readonly figures: readonly number[];
  readonly spread: Spread;
  /** To the first contestant's figure of the same round. */
  readonly ratio: Spread;
}

/** One round more than asked for is run first, and forgotten: caches, compiled code, connections. */
export async function interleave(
  contestants: readonly Contestant[],
  rounds: number,
  signal?: AbortSignal,
): Promise<readonly Measured[]> {
  const figures = contestants.map((): number[] => []);
  for (let round = -1; round < rounds; round += 1) {
    for (const index of rotated(contestants.length, Math.max(0, round))) {
      signal?.throwIfAborted();
      const figure = await contestants[index]!.measure();
      if (round >= 0) figures[index]!.push(figure);
    }
  }
  return contestants.map(({ name }, index) => ({
    name,
    figures: figures[index]!,
    spread: spread(figures[index]!),
    ratio: spread(ratios(figures[index]!, figures[0]!)),
  }));
}

/** 0 to `count` - 1, beginning with `by`. */
export function rotated(count: number, by: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => (index + by) % count);
}

/** Each figure over the other of the same round. */
export function ratios(figures: readonly number[], others: readonly number[]): readonly number[] {
  return figures.map((figure, round) => figure / others[round]!);
}

/** How long it took, in seconds. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now();
  await work();
  return (performance.now() - begunMs) / 1_000;
}

/** What is over sooner is done again: until then code is compiled and memory grown, and clocks are coarse. */
const leastSeconds = 0.25;

/** How long it takes, in seconds, of as many times as there is something to measure. */
export async function secondsEach(work: () => Promise<unknown>): Promise<number> {
  let [times, whole] = [0, 0];
  for (; whole < leastSeconds; times += 1) whole += await seconds(work);
  return whole / times;
}
