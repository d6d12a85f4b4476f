/** Seeded draws: the only chance in a simulation. */
import { draw } from '../ring/state.js';

export class Random {
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** From [0, 1). */
  next(): number {
    const [drawn, seed] = draw(this.#seed);
    this.#seed = seed;
    return drawn;
  }

  /** From [low, high). */
  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** An integer from low to high, both included. */
  integer(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)]!;
  }
}
