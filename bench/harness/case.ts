/** What a case of the bench is, what it is given, and what it hands back. docs/performance.md. */
import type { Command } from 'commander';
import type { Contestant, Measured } from './rounds.js';

/** One thing that is measured: a folder of `bench/`, whose `case.ts` exports this. */
export interface BenchCase {
  readonly name: string;
  readonly summary: string;
  /** Adds what it can be told to its command. Without any, the defaults must end within a few minutes. */
  options?(command: Command): void;
  /** @throws Error if it cannot run, or if what it measures gave a wrong result; a missed target is no error */
  run(run: Run): Promise<Report>;
}

/** What a case is given. */
export interface Run {
  /** Everything small, for its correctness; targets of time are not judged. */
  readonly quick: boolean;
  /** How often each contestant is measured, unless it says otherwise. */
  readonly rounds: number;
  /** What was typed, by the names that commander gives options. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** An empty folder, removed at the end. */
  readonly folder: string;
  /** Tells the person at the terminal how far it is. */
  note(text: string): void;
  /** What is to be ended with the case, however that ends; in the reverse order. */
  atEnd(release: () => unknown): void;
  /** Measures side by side: see rounds.ts. */
  interleave(contestants: readonly Contestant[], rounds?: number): Promise<readonly Measured[]>;
}

/** What a case found. Empty lists may be left out. */
export interface Report {
  /** What it was told that makes it another measurement: words with hyphens, for a file of its own. */
  readonly variant?: string;
  readonly tables: readonly Table[];
  readonly targets?: readonly Target[];
  readonly charts?: readonly Chart[];
  /** What a reader must know: what was skipped and why, what bounds a figure. Sentences. */
  readonly notes?: readonly string[];
  /** Whatever else belongs into the JSON, such as every figure of every round. */
  readonly details?: unknown;
}

export type Cell = string | number;

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** What was promised, and whether it was kept. */
export interface Target {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
}

export interface Chart {
  /** A word, for its file. */
  readonly name: string;
  readonly svg: string;
}
