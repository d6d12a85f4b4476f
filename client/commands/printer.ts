/**
 * What a command prints. Standard output has the result and nothing else: with --json one document. Standard error
 * has progress, notices and failures. Whatever may come from another computer is made harmless first.
 */
import { styleText } from 'node:util';
import type { createLogUpdate } from 'log-update';
import type { Told } from '../web/control.js';
import { jsonLine, printable, printableWithin } from '../web/rules/printable.js';
import type { Room } from '../web/terminal.js';
import type { Command } from './command.js';
import type { Failure } from './failure.js';

/** Lines of the terminal that a picture leaves to the text around it. */
const linesBeside = 6;

/** Text that is drawn over what it was before. */
type Redrawn = ReturnType<typeof createLogUpdate>;

interface Streams {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  readonly below?: Redrawn | undefined;
  readonly watched?: Redrawn | undefined;
}

export class Printer {
  readonly #json: boolean;
  readonly #out: NodeJS.WriteStream;
  readonly #err: NodeJS.WriteStream;
  readonly #below: Redrawn | undefined;
  readonly #watched: Redrawn | undefined;
  #states = 0;

  private constructor(json: boolean, { out, err, below, watched }: Streams) {
    this.#json = json;
    this.#out = out;
    this.#err = err;
    this.#below = below;
    this.#watched = watched;
  }

  /** What redraws is loaded for a terminal alone. */
  static async on(json: boolean, out: NodeJS.WriteStream, err: NodeJS.WriteStream): Promise<Printer> {
    if (!out.isTTY && !err.isTTY) return new Printer(json, { out, err });
    const { createLogUpdate } = await import('log-update');
    const redrawn = (stream: NodeJS.WriteStream) =>
      stream.isTTY ? createLogUpdate(stream, { showCursor: true }) : undefined;
    return new Printer(json, { out, err, below: redrawn(err), watched: redrawn(out) });
  }

  /** Pictures are drawn for people at a terminal with colours. */
  get room(): Room | null {
    if (this.#json || !this.#out.isTTY || !this.#out.hasColors()) return null;
    // A terminal that does not know its size says 0.
    const { columns, rows } = this.#out;
    return { columns: columns || 80, rows: Math.max(8, (rows || 24) - linesBeside) };
  }

  /** What a command tells before its outcome. */
  hear(told: Told, command: Command): void {
    if ('progress' in told) this.#progress(told.progress);
    else if ('drawing' in told) this.#print(told.drawing);
    else this.#state(told.state, command);
  }

  /** Something happened that a person may want to know. */
  notice(text: string): void {
    this.#below?.clear();
    this.#err.write(`${printable(text)}\n`);
  }

  /** What was watched was told already. */
  result(result: unknown, command: Command): void {
    if (this.#states > 0) this.#watched?.done();
    else this.#print(this.#json ? jsonLine(result) : command.draw(printableWithin(result)));
  }

  failure(failure: Failure): void {
    this.#below?.clear();
    const { reason, message, next } = failure;
    if (this.#json) this.#err.write(`${jsonLine({ error: { reason, message, next } })}\n`);
    else
      this.#err.write(
        `${this.#styled('red', 'glimpse:')} ${lines(message)}\n${next === '' ? '' : `${lines(next)}\n`}`,
      );
  }

  #progress(text: string): void {
    this.#below?.(this.#styled('dim', printable(text)));
  }

  /** Colours are for the terminal the text goes to. */
  #styled(format: 'red' | 'dim', text: string): string {
    return styleText(format, text, { stream: this.#err });
  }

  #state(state: unknown, command: Command): void {
    this.#states += 1;
    if (this.#json) this.#out.write(`${jsonLine(state)}\n`);
    else if (this.#watched) this.#watched(command.draw(printableWithin(state)));
    else this.#out.write(`${command.draw(printableWithin(state))}\n\n`);
  }

  #print(text: string): void {
    this.#below?.clear();
    this.#out.write(`${text}\n`);
  }
}

/** Our own messages have lines; what they quote has none. */
function lines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
