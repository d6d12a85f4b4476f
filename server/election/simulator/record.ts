/** A run that failed, as a file: what was breached, every knob, and the end of its trace. It can be run again. */
import type { Knobs, Run } from './run.js';

export interface Record {
  readonly breach: string;
  readonly knobs: Knobs;
  /** Without pings, pongs and dials. */
  readonly trace: readonly string[];
}

/** The lines that lead to a breach. */
const tracedMost = 400;
const unsaid = /->\w+ P[io]ng|dials|hangs up/;

export function recordOf({ breach, knobs }: Run, trace: readonly string[]): Record {
  const told = trace.filter((line) => !unsaid.test(line));
  return { breach: breach ?? 'none', knobs, trace: told.slice(-tracedMost) };
}

/** The text of the file. */
export function writeRecord(record: Record): string {
  return `${JSON.stringify(record, null, 1)}\n`;
}

/** @throws SyntaxError */
export function readRecord(text: string): Record {
  return JSON.parse(text) as Record;
}
