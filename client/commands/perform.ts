/** Performing a command, the same way in whichever process. */
import type { Engine } from '../engine.js';
import type { Outcome, Typed } from '../web/control.js';
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
    return { failure: failureOf(error) };
  }
}
