/**
 * The thread that owns the connection that writes. A commit waits for the disk, and the ring's keepalive, on the main
 * thread, must not: docs/decisions.md, "The store's engine has a thread".
 */
import { workerData } from 'piscina';
import { Engine } from './engine.js';
import type { Command, Outcome } from './engine.js';
import { failureOf } from './failure.js';
import type { Failure } from './failure.js';

export interface EngineData {
  readonly file: string;
}

export type Reply<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

let engine: Engine | undefined;

/** Every call opens the file if it is not open: also after the thread was replaced. */
function answer<T>(ask: (engine: Engine) => T): Reply<T> {
  const { file } = workerData as EngineData;
  try {
    engine ??= new Engine(file);
    return { ok: true, value: ask(engine) };
  } catch (error) {
    const failure = failureOf(error, file);
    if (!failure) throw error;
    return { ok: false, failure };
  }
}

export const open = (): Reply<undefined> => answer(() => undefined);

export const commit = (
  commands: readonly Command[],
): Reply<{ readonly outcomes: Outcome[]; readonly head: number }> =>
  answer((engine) => engine.commit(commands));

export const close = (): Reply<undefined> => {
  engine?.close();
  engine = undefined;
  return { ok: true, value: undefined };
};
