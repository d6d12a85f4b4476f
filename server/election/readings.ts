/**
 * What a server knows of its own CPU: sampled on a timer and smoothed, never per request. docs/protocol.md, "Load".
 * systeminformation tells the machine's number; under a control group's quota the group's own accounts are used,
 * since there the machine's number is the host's.
 */
import { Piscina } from 'piscina';
import { machineCores, readQuota } from './capacity.js';
import type { Quota } from './capacity.js';
import type { Reading } from './ring/state.js';

export const READING_LIMITS = {
  /** Between samples. Shorter follows faster and costs more: systeminformation starts a program for each. */
  sampleMs: 1_000,
  /** Weight of a new sample. Larger follows faster, smaller is steadier. */
  smoothing: 0.4,
  /** CPU time spent on calibrating at start. */
  calibrationCpuMs: 100,
  /** Rounds a second of the reference core, whose speed is 1: docs/protocol.md, "Load". */
  referenceRounds: 100,
  /** Speeds are told in powers of this: calibrating repeats to within a tenth, and equal machines are to tie. */
  speedStep: 1.25,
  /** Background is told in parts of a core of this size, or of all cores if they are less than one: less is noise. */
  backgroundStep: 0.25,
} as const;

/** The power of `speedStep` nearest to `speed`. */
export function roundSpeed(speed: number): number {
  const { speedStep } = READING_LIMITS;
  return speedStep ** Math.round(Math.log(speed) / Math.log(speedStep));
}

/** Speed of one core relative to the reference, measured in a worker thread. */
export async function calibrate(): Promise<number> {
  const pool = new Piscina({
    filename: new URL('./calibrate.worker.js', import.meta.url).href,
    maxThreads: 1,
  });
  try {
    const rounds = (await pool.run({ cpuMs: READING_LIMITS.calibrationCpuMs })) as number;
    return roundSpeed(rounds / READING_LIMITS.referenceRounds);
  } finally {
    await pool.destroy();
  }
}

/** What may be used, and what was between two samples, in cores: by everybody, and by this process. */
interface Use {
  readonly cores: number;
  readonly allCores: number;
  readonly ownCores: number;
}

/**
 * The next reading. The process's own use is no background: what it works on is counted as work in flight.
 * Without an earlier reading the sample stands as it is.
 */
export function smooth(earlier: Reading | undefined, use: Use, speed: number): Reading {
  const { cores } = use;
  const weight = earlier ? READING_LIMITS.smoothing : 1;
  const mix = (before: number, now: number): number => before + weight * (now - before);
  const background = Math.min(cores, Math.max(0, use.allCores - use.ownCores));
  const cpu = Math.min(1, Math.max(0, use.allCores / cores));
  return {
    backgroundCores: mix(earlier?.backgroundCores ?? 0, background),
    cpu: mix(earlier?.cpu ?? 0, cpu),
    cores,
    speed,
  };
}

/** A reading as it is told to the ring: rounded, so that equal machines tie and credits decide. */
export function told(reading: Reading): Reading {
  const step = READING_LIMITS.backgroundStep * Math.min(1, reading.cores);
  return { ...reading, backgroundCores: Math.round(reading.backgroundCores / step) * step };
}

/** Calibrates, primes the meters, and then calls `onReading` with every sample until the signal aborts. */
export async function watchReadings(options: {
  readonly signal: AbortSignal;
  readonly onReading: (reading: Reading) => void;
  readonly onFailure: (cause: unknown) => void;
}): Promise<Reading> {
  const speed = await calibrate();
  const sample = (await readQuota()) ? groupMeter() : machineMeter(options.signal);
  let reading = smooth(undefined, await sample(), speed);
  let sampling = false;
  const timer = setInterval(() => {
    if (sampling) return;
    sampling = true;
    sample()
      .then((use) => {
        reading = smooth(reading, use, speed);
        options.onReading(told(reading));
      })
      .catch((cause: unknown) => options.signal.aborted || options.onFailure(cause))
      .finally(() => (sampling = false));
  }, READING_LIMITS.sampleMs);
  options.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  if (options.signal.aborted) clearInterval(timer);
  return told(reading);
}

type Meter = () => Promise<Use>;

/** The machine's, until the signal aborts. */
function machineMeter(signal: AbortSignal): Meter {
  const filename = new URL('./machine-load.worker.js', import.meta.url).href;
  // The one thread stays: a sample tells what was used since the one before.
  const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1 });
  const close = () => void pool.destroy();
  if (signal.aborted) close();
  else signal.addEventListener('abort', close, { once: true });
  const own = ownMeter();
  return async () => {
    const share = (await pool.run(undefined, { signal })) as number;
    const cores = machineCores();
    return { cores, allCores: Number.isFinite(share) ? share * cores : 0, ownCores: own() };
  };
}

/** The control group's. Its quota may change at any time, or be lifted: then the machine is what there is. */
function groupMeter(): Meter {
  const own = ownMeter();
  let before: { readonly usedMs: number; readonly atMs: number } | undefined;
  return async () => {
    const quota: Quota = (await readQuota()) ?? { cores: machineCores(), usedMs: NaN };
    const now = { usedMs: quota.usedMs, atMs: performance.now() };
    const elapsedMs = before ? now.atMs - before.atMs : 0;
    const allCores = before && elapsedMs > 0 ? (now.usedMs - before.usedMs) / elapsedMs : 0;
    before = now;
    return {
      cores: quota.cores,
      allCores: Number.isFinite(allCores) ? allCores : 0,
      ownCores: own(),
    };
  };
}

/** Cores used by this process since the last call. */
function ownMeter(): () => number {
  let cpu = process.cpuUsage();
  let atMs = performance.now();
  return () => {
    const nowMs = performance.now();
    const used = process.cpuUsage(cpu);
    const cores = nowMs > atMs ? (used.user + used.system) / 1000 / (nowMs - atMs) : 0;
    cpu = process.cpuUsage();
    atMs = nowMs;
    return cores;
  };
}
