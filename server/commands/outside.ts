/** What a command of the server meets outside of itself; main.ts hands in the real one. */

export interface Outside {
  /** Standard output. */
  readonly out: NodeJS.WriteStream;
  /** Standard error. */
  readonly err: NodeJS.WriteStream;
  readonly now: () => Date;
  /** Aborted when the command is to stop in good order. */
  readonly stop: AbortSignal;
  /** Program and arguments that start another of these commands. */
  readonly self: readonly [string, ...string[]];
}

/** A command that cannot do what was asked; the message says what to do next. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export function writeJson(out: NodeJS.WriteStream, value: unknown): void {
  out.write(`${JSON.stringify(value)}\n`);
}
