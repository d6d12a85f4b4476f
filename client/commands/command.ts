/**
 * What a command is. It is described for the command line, read from what was typed, performed with the engine,
 * in the process that was started or in the `up` that runs, and drawn for people where it was typed.
 */
import type { Command as Line } from 'commander';
import type { Engine, Running } from '../engine.js';
import type { Picture } from '../web/shown.js';
import type { Typed } from '../web/control.js';
import type { Room } from '../web/terminal.js';
import type { Advice, Failure } from './failure.js';

/** What performing may use besides the engine. */
export interface Surroundings {
  /** Aborted when the user, or the process, wants to end. */
  readonly signal: AbortSignal;
  /** Performed by a running `up`, on behalf of another process. */
  readonly byUp: boolean;
  /** The terminal to draw pictures for; null: draw none. */
  readonly room: Room | null;
  /** Tells what is being done. */
  readonly progress: (text: string) => void;
  /** Tells the state of what is watched. */
  readonly state: (state: unknown) => void;
  /** Shows a picture as text. */
  readonly drawing: (text: string) => void;
  /** Puts a picture at an address that gives it once. */
  readonly show: (picture: Picture) => Promise<string>;
  /** Asks for a passphrase for the vault, or takes away the one it has. */
  readonly protect: (how: 'set' | 'remove') => Promise<void>;
  /** The process goes on after the command was performed. */
  readonly stay: (running: Running) => void;
}

export interface Definition<Arguments, Result> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Adds arguments and options. */
  describe?(line: Line): void;
  /** Examples, without the prompt. */
  readonly examples: readonly string[];
  /** What the help says beyond the summary. */
  readonly details?: string;
  /** @throws Usage */
  read(typed: Typed): Arguments;
  /** The result is plain JSON. */
  perform(engine: Engine, given: Arguments, surroundings: Surroundings): Promise<Result>;
  /** The result as text for people. */
  draw(result: Result): string;
  /** What to do next after its failures, where that is not the same for every command. */
  readonly advice?: Advice;
  /** A result that is not success all the same. */
  failure?(result: Result): Failure | undefined;
  /** The address in a result that a browser may be sent to. */
  address?(result: Result): string;
  /** It holds the vault's lock in its own process and performs the other commands there. */
  readonly stays?: boolean;
  /** Performed where it was typed, also while `up` runs: what it asks for is for nobody else to hear. */
  readonly here?: boolean;
  /** A running `up` ends after it. */
  readonly endsUp?: boolean;
}

/** A command whose types are its own affair. */
export type Command = Definition<unknown, unknown>;

/** Erases the types: what `read` returns reaches only `perform`, and what that returns only `draw` and `failure`. */
export function defineCommand<Arguments, Result>(definition: Definition<Arguments, Result>): Command {
  return definition;
}
