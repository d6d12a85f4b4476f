/** The commands of other processes, performed by the `up` that holds the vault. */
import type { Engine } from '../engine.js';
import type { Outcome, Told, Typed } from '../web/control.js';
import type { Showing } from '../web/shown.js';
import type { Command } from './command.js';
import { performCommand, surroundingsOf } from './perform.js';

export class Others {
  readonly #commands: readonly Command[];
  readonly #engine: Engine;
  readonly #showing: Showing;
  readonly #end: () => void;
  #left: Promise<boolean> = Promise.resolve(false);

  constructor(commands: readonly Command[], engine: Engine, showing: Showing, end: () => void) {
    this.#commands = commands;
    this.#end = end;
    this.#engine = engine;
    this.#showing = showing;
  }

  /** True once a command has succeeded after which `up` ends; its way there may end `up` in other ways too. */
  get left(): Promise<boolean> {
    return this.#left;
  }

  /** Undefined for a command that is not to be performed here. Never rejects. */
  perform(
    name: string,
    typed: Typed,
    say: (told: Told) => void,
    signal: AbortSignal,
  ): Promise<Outcome> | undefined {
    const command = this.#commands.find((each) => each.name === name && !each.stays && !each.here);
    if (!command) return undefined;
    const surroundings = { ...surroundingsOf(typed, this.#showing, say, signal), byUp: true };
    const performed = performCommand(command, this.#engine, typed, surroundings);
    if (command.endsUp) {
      this.#left = performed.then(({ failure }) => failure === undefined);
      void this.#left.then((left) => left && this.#end());
    }
    return performed;
  }
}
