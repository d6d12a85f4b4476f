/** Performing a command, the same way in whichever process. */
import type { Engine } from '../engine.js';
import type { Outcome, Told, Typed } from '../web/control.js';
import type { Showing } from '../web/shown.js';
import type { Command, Surroundings } from './command.js';
import { failureOf } from './failure.js';

/** Never rejects: what goes wrong is the outcome. */
export async function performCommand(
  command: Command,
  engine: Engine,
  typed: Typed,
  surroundings: Surroundings,
): Promise<Outcome> {
  try {
    const result = await command.perform(engine, command.read(typed), surroundings);
    const failure = command.failure?.(result);
    return failure ? { result, failure } : { result };
  } catch (error) {
    return { failure: failureOf(error, command.advice) };
  }
}

/** What a command performed in this process has around it. */
export function surroundingsOf(
  typed: Typed,
  showing: Showing,
  say: (told: Told) => void,
  signal: AbortSignal,
): Surroundings {
  return {
    signal,
    byUp: false,
    room: typed.room,
    progress: (progress) => say({ progress }),
    state: (state) => say({ state }),
    drawing: (drawing) => say({ drawing }),
    show: (picture) => showing.show(picture),
    protect: () => Promise.reject(new Error('only where it was typed')),
    stay: () => undefined,
  };
}
