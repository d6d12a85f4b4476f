/**
 * The thread that owns the connection that writes. A commit waits for the disk, and the ring's keepalive, on the main
 * thread, must not: docs/decisions.md, "The store's engine has a thread".
 */
import { workerData } from 'piscina';
import { Engine } from './engine.js';
import type { Command, LeaseCommand, Outcome } from './engine.js';
import { failureOf } from './failure.js';
import type { Failure } from './failure.js';
import { packOutcomes, unpackTransactions } from './packing.js';
import type { PackedOutcomes, PackedTransactions } from './packing.js';

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

/** How often a busy file is tried again before the caller hears of it, who takes along what came meanwhile. */
const busyAttempts = 10;
/** Least pause between; the most, by jitter, is three times that. A commit takes 1 to 20 ms. */
const busyPauseMs = 0.2;
const sleeping = new Int32Array(new SharedArrayBuffer(4));

/** Sleeping here holds nothing up but this process's writes, and costs a tenth of a message to be called again. */
function patiently<T>(ask: (engine: Engine) => T): Reply<T> {
  for (let attempt = 1; ; attempt += 1) {
    const reply = answer(ask);
    if (reply.ok || reply.failure.type !== 'busy' || attempt === busyAttempts) return reply;
    Atomics.wait(sleeping, 0, 0, busyPauseMs * (1 + 2 * Math.random()));
  }
}

export const open = (): Reply<undefined> => answer(() => undefined);

export const commit = (
  packed: PackedTransactions,
): Reply<{ readonly outcomes: PackedOutcomes; readonly head: number }> => {
  const commands = unpackTransactions(packed).map((one): Command => ({ type: 'transact', ...one }));
  return patiently((engine) => {
    const { outcomes, head } = engine.commit(commands);
    return { outcomes: packOutcomes(outcomes), head };
  });
};

export const lease = (command: LeaseCommand): Reply<Outcome> =>
  patiently((engine) => engine.commit([command]).outcomes[0]!);

export const close = (): Reply<undefined> => {
  engine?.close();
  engine = undefined;
  return { ok: true, value: undefined };
};
