/** Runs a case, with all that it is given, and writes down what it found. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { BenchCase, Run } from './case.js';
import { commit, machine } from './machine.js';
import { writeResult } from './results.js';
import type { Result } from './results.js';
import { interleave } from './rounds.js';

export interface Asked {
  readonly quick: boolean;
  readonly rounds: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
  /** What was typed. */
  readonly command: string;
  readonly resultsFolder: string;
  readonly note: (text: string) => void;
}

/** @throws whatever the case throws; what it started is ended all the same */
export async function runCase(benchCase: BenchCase, asked: Asked): Promise<Result> {
  const { quick, rounds, signal, command, resultsFolder } = asked;
  const provenance = { quick, command, date: new Date().toISOString(), commit: commit(), machine: machine() };
  const folder = await mkdtemp(path.join(os.tmpdir(), `glimpse-bench-${benchCase.name}-`));
  const releases: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })];
  const run: Run = {
    quick,
    rounds,
    options: asked.options,
    signal,
    folder,
    note: (text) => asked.note(`${benchCase.name}: ${text}`),
    atEnd: (release) => releases.push(release),
    interleave: (contestants, times = rounds) => interleave(contestants, times, signal),
  };
  const begunMs = performance.now();
  try {
    const report = await benchCase.run(run);
    const tookSeconds = (performance.now() - begunMs) / 1_000;
    const { name, summary } = benchCase;
    const result: Result = { name, summary, ...provenance, tookSeconds, ...report };
    await writeResult(resultsFolder, result);
    return result;
  } finally {
    for (const release of releases.reverse()) await release();
  }
}
