/** Aims inputs at a target: each is drawn from the seed and its number alone, so any of them can be made again. */
import { Random } from '../../server/election/simulator/random.js';
import type { Target } from './target.js';

export interface Finding {
  readonly target: string;
  readonly seed: number;
  readonly number: number;
  /** What was wrong with how the product took it. */
  readonly what: string;
  /** Hex. */
  readonly input: string;
}

export interface Aim {
  readonly seed: number;
  /** Numbers of the inputs: from, and up to but not including to. */
  readonly from: number;
  readonly to: number;
  /** Told before each input: whoever watches knows by it where a target hangs. */
  readonly trying?: (number: number) => void;
}

/** The numbers of a seed must not give what the next seed gives, one later. */
const stride = 0x9e37_79b1;

export function inputOf(target: Target, seed: number, number: number): Uint8Array {
  return target.make(new Random((Math.imul(seed, stride) ^ number) | 0));
}

/** @returns what was found, at most `findingsMax` */
export async function fuzz(
  target: Target,
  { seed, from, to, trying }: Aim,
  findingsMax = 10,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (let number = from; number < to && findings.length < findingsMax; number += 1) {
    trying?.(number);
    const input = inputOf(target, seed, number);
    const what = await wrongWith(target, input);
    if (what === undefined) continue;
    findings.push({ target: target.name, seed, number, what, input: Buffer.from(input).toString('hex') });
  }
  return findings;
}

/** How the product took this input, if that was not as it should be. */
export async function wrongWith(target: Target, input: Uint8Array): Promise<string | undefined> {
  const before = peakBytes();
  const begunMs = performance.now();
  try {
    const reading = target.read(input);
    if (reading instanceof Promise) await reading;
  } catch (error) {
    if (!target.refuses(error))
      return `it threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const tookMs = performance.now() - begunMs;
  if (tookMs > target.msMax) return `it took ${Math.round(tookMs)} ms`;
  const grown = peakBytes() - before;
  return grown > target.bytesMax ? `it took ${grown} bytes of memory` : undefined;
}

/** The most memory that this process ever had at once. */
const peakBytes = (): number => 1_024 * process.resourceUsage().maxRSS;
