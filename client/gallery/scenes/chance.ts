/**
 * Numbers that look like chance and follow from a seed, so that a cover drawn twice is the same picture.
 * mulberry32: thirty-two bits of state are plenty for hills. Never for anything secret.
 */

/** Each call gives the next number in [0, 1). */
export type Chance = () => number;

export function chanceFrom(seed: Uint8Array): Chance {
  let state = seed.reduce((mixed, byte) => Math.imul(mixed ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number in [from, to). */
export function between(chance: Chance, from: number, to: number): number {
  return from + (to - from) * chance();
}

export function oneOf<T>(chance: Chance, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(chance() * choices.length)] ?? choices[0];
}
