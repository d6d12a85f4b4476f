/**
 * What `cloud` shows: on a terminal a table of the ring that is drawn over and over, elsewhere a line for each
 * change, with --json an object for each.
 */
import { createLogUpdate } from 'log-update';
import { changeKey, ringLine, ringTable } from './ring-lines.js';
import type { RingLines } from '../../core/ring-lines.js';
import { writeJson } from './outside.js';
import type { Ready } from './server-process.js';

export interface Beginning {
  readonly joinCode: string;
  readonly expiresAt: Date;
  readonly codeFile: string;
  readonly data: string;
  readonly servers: readonly (Ready & { readonly pid: number })[];
}

/** Something that happened to a server. */
export type Happening =
  | { readonly event: 'died'; readonly id: string; readonly how: string; readonly again: boolean }
  | { readonly event: 'away'; readonly id: string; readonly forMs: number }
  | { readonly event: 'started'; readonly id: string; readonly pid: number };

export class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #json: boolean;
  readonly #drawing: ReturnType<typeof createLogUpdate> | undefined;
  #shown = '';
  #table = '';

  constructor(out: NodeJS.WriteStream, json: boolean) {
    this.#out = out;
    this.#json = json;
    this.#drawing = out.isTTY && !json ? createLogUpdate(out) : undefined;
  }

  begin(beginning: Beginning): void {
    const { joinCode, expiresAt, data, servers } = beginning;
    if (this.#json) writeJson(this.#out, { ready: true, joinCode, expiresAt, data, servers });
    else this.#out.write(`${welcome(beginning).join('\n')}\n\n`);
  }

  say(happening: Happening): void {
    if (this.#json) writeJson(this.#out, happening);
    else this.#above(happeningLine(happening));
  }

  show(ring: RingLines): void {
    if (this.#drawing) {
      this.#table = ringTable(ring);
      this.#drawing(this.#table);
      return;
    }
    const key = changeKey(ring);
    if (key === this.#shown) return;
    this.#shown = key;
    if (this.#json) writeJson(this.#out, { event: 'ring', ...ring });
    else this.#out.write(`${ringLine(ring)}\n`);
  }

  end(): void {
    this.#drawing?.done();
    if (!this.#json) this.#out.write('stopping\n');
  }

  #above(line: string): void {
    this.#drawing?.clear();
    this.#out.write(`${line}\n`);
    if (this.#table !== '') this.#drawing?.(this.#table);
  }
}

function welcome({ joinCode, expiresAt, codeFile, data, servers }: Beginning): string[] {
  return [
    `Glimpse cloud: ${servers.map(({ id, address }) => `${id} on ${address}`).join(', ')}`,
    `Data: ${data}`,
    '',
    `Join code, reusable: whoever has it may join until ${expiresAt.toISOString().slice(0, 10)} (also in ${codeFile}):`,
    joinCode,
    '',
    'For a code that works once: glimpse-server invite. To stop: Ctrl-C.',
  ];
}

function happeningLine(happening: Happening): string {
  if (happening.event === 'started') return `${happening.id} is running again`;
  if (happening.event === 'away') return `${happening.id} is away for ${happening.forMs / 1000} s`;
  return `${happening.id} died (${happening.how})${happening.again ? ': starting it again' : ''}`;
}
