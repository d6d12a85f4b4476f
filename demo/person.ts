/** Someone with a vault, a terminal and, at times, a client that is up. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Running } from './processes.js';

const glimpse = fileURLToPath(new URL('../client/main.js', import.meta.url));

/** How a command ended. */
export interface Ended {
  readonly exit: number;
  /** Its document; undefined if it printed none. */
  readonly result: unknown;
  /** With a failure: what went wrong. */
  readonly error: { readonly reason: string; readonly message: string; readonly next: string } | undefined;
  readonly tookMs: number;
}

/** Told of every command and how it ended. */
export type Told = (name: string, words: readonly string[], ended: Ended) => void;

export class Person {
  readonly name: string;
  readonly home: string;
  readonly #logs: string;
  readonly #told: Told;
  readonly #through: readonly string[];
  up: Running | undefined;

  /** @param through what this person's programs are started through, such as a network of their own */
  constructor(name: string, folder: string, told: Told, through: readonly string[] = []) {
    this.name = name;
    this.home = path.join(folder, name);
    this.#logs = path.join(folder, 'logs');
    this.#told = told;
    this.#through = through;
  }

  /** Runs `glimpse WORDS --json` in this person's terminal. */
  async glimpse(words: readonly string[], input = ''): Promise<Ended> {
    const begunMs = Date.now();
    const { exit, out, err } = await this.run([...words, '--json'], input);
    const ended = { exit, ...read(out, err), tookMs: Date.now() - begunMs };
    this.#told(this.name, words, ended);
    return ended;
  }

  /** Runs `glimpse WORDS`. */
  async run(words: readonly string[], input = ''): Promise<{ exit: number; out: string; err: string }> {
    const child = this.begin(words);
    child.stdin.on('error', () => undefined).end(input);
    const closed = once(child, 'close') as Promise<[number | null]>;
    const [out, err, [exit]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    return { exit: exit ?? 1, out, err };
  }

  /** Joins under this person's name. @throws Error if it is refused */
  async join(joinCode: string): Promise<void> {
    const { exit, error } = await this.glimpse(['join', '-', '--name', this.name], joinCode);
    if (exit !== 0) throw new Error(error?.message ?? `join ended with ${exit}`);
  }

  begin(words: readonly string[]): ChildProcessWithoutNullStreams {
    const [first, ...rest] = [...this.#through, process.execPath, glimpse, ...words] as const;
    return spawn(first!, rest, { env: { ...process.env, ...this.environment } });
  }

  /** Starts the client. @returns what it printed when it was ready */
  async start(words: readonly string[]): Promise<{ address: string; tookMs: number }> {
    const begunMs = Date.now();
    this.up = new Running({
      name: `${this.name}'s client`,
      words: [glimpse, 'up', ...words, '--json'],
      through: this.#through,
      environment: this.environment,
      output: path.join(this.#logs, `${this.name}.out`),
    });
    const { address } = (await this.up.ready()) as { address: string };
    const tookMs = Date.now() - begunMs;
    this.#told(this.name, ['up', ...words], { exit: 0, result: { address }, error: undefined, tookMs });
    return { address, tookMs };
  }

  /** As `glimpse WORDS`, through the control socket of the client that is up, to hear what it is doing meanwhile. */
  async ask(
    command: string,
    words: readonly string[],
    options: Readonly<Record<string, string>>,
    progress: (text: string) => void,
  ): Promise<Ended> {
    const begunMs = Date.now();
    const asked = request({
      socketPath: path.join(this.home, 'control', 'socket'),
      method: 'POST',
      path: `/commands/${command}`,
    });
    asked.end(JSON.stringify({ arguments: words, options, folder: this.home, room: null }));
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    let outcome: Outcome = {};
    for await (const line of createInterface({ input: response })) {
      const told = JSON.parse(line) as { progress?: string; outcome?: Outcome };
      if (told.progress !== undefined) progress(told.progress);
      outcome = told.outcome ?? outcome;
    }
    const { result, failure } = outcome;
    const ended = { exit: failure?.exit ?? 0, result, error: failure, tookMs: Date.now() - begunMs };
    const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    this.#told(this.name, [command, ...words, ...given], ended);
    return ended;
  }

  get environment(): Record<string, string> {
    return { GLIMPSE_HOME: this.home };
  }
}

interface Outcome {
  readonly result?: unknown;
  readonly failure?: NonNullable<Ended['error']> & { readonly exit: number };
}

function read(out: string, err: string): Pick<Ended, 'result' | 'error'> {
  const line = err.split('\n').find((each) => each.startsWith('{"error"'));
  return {
    result: out === '' ? undefined : JSON.parse(out),
    error: line === undefined ? undefined : (JSON.parse(line) as { error: Ended['error'] }).error,
  };
}
