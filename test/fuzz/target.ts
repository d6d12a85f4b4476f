/** What a fuzzer is aimed at. */
import type { Random } from '../../server/election/simulator/random.js';

export interface Target {
  readonly name: string;
  /** The input of one try. */
  make(random: Random): Uint8Array;
  /** Throws what the product throws; resolves with nothing to be said. */
  read(input: Uint8Array): unknown;
  /** Whether this is how the product refuses such input; everything else is a finding. */
  refuses(error: unknown): boolean;
  /** Its part of all inputs, in relation to the others': slow ones have less. */
  readonly share: number;
  /** What one input may take in memory at once, by the product's named limits. */
  readonly bytesMax: number;
  /** What one input may take in time, even where other programs run. */
  readonly msMax: number;
}

/** Few megabytes and little time: most decoders. */
export const SMALL = { share: 100, bytesMax: 64 * 1024 * 1024, msMax: 5_000 } as const;
