/**
 * The demo's processes: each with its output in a file, so that they can outlive the demo (--keep), and each in a
 * group of its own, so that they end with it otherwise, however it ends.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often a file is read while something is awaited in it. */
const lookMs = 25;
/** How long a process may take to be ready or to stop: 2 cores that do everything else as well. */
const patienceMs = 60_000;

/** Whatever becomes of this process, what is started through this does not outlive it. */
export const mortal = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;

export interface Program {
  readonly name: string;
  readonly words: readonly string[];
  /** What it is started through: a program that becomes it, with its arguments. */
  readonly through?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Its standard output; what it says on the other is beside it, `.err`. */
  readonly output: string;
}

export class Running {
  readonly #program: Program;
  readonly #child: ChildProcess;
  #killed = false;

  constructor(program: Program) {
    this.#program = program;
    const files = [openSync(program.output, 'w'), openSync(`${program.output}.err`, 'a')] as const;
    const [first, ...rest] = [...(program.through ?? []), process.execPath, ...program.words] as const;
    this.#child = spawn(first!, rest, {
      detached: true,
      stdio: ['ignore', ...files],
      env: { ...process.env, ...program.environment },
    });
    this.#child.unref();
    for (const file of files) closeSync(file);
  }

  /** @throws Error if it could not be started */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#program.name} could not be started`);
    return this.#child.pid;
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Undefined while it runs, or if it was killed. */
  get exit(): number | undefined {
    return this.#child.exitCode ?? undefined;
  }

  /** The first line it prints, as JSON. @throws Error if it ends before, or takes too long */
  async ready(): Promise<unknown> {
    const line = await awaited(async () => {
      const text = await readFile(this.#program.output, 'utf8');
      if (text.includes('\n')) return text.slice(0, text.indexOf('\n'));
      return this.ended ? '' : undefined;
    });
    if (line) return JSON.parse(line);
    throw new Error(`${this.#program.name} did not become ready: ${await this.said()}`);
  }

  /** What it has said to people so far. */
  said(): Promise<string> {
    return readFile(`${this.#program.output}.err`, 'utf8');
  }

  /** Asks it to end, and makes it end if it does not. */
  async stop(): Promise<void> {
    if (!this.ended) {
      const exit = once(this.#child, 'exit');
      this.#child.ref();
      this.#child.kill('SIGTERM');
      await Promise.race([exit, sleep(patienceMs, undefined, { ref: false })]);
    }
    this.kill();
  }

  /** Ends it and whatever it started, at once; once, since its number may be another's afterwards. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#killed) return;
    this.#killed = true;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** As a machine that loses its power: nothing is said to anyone. */
  async crash(): Promise<void> {
    const exit = this.ended ? undefined : once(this.#child, 'exit');
    this.#child.ref();
    this.kill();
    await exit;
  }
}

/** Looks until there is something to see. Undefined if that takes too long. */
export async function awaited<Seen>(look: () => Promise<Seen | undefined>): Promise<Seen | undefined> {
  const endMs = Date.now() + patienceMs;
  while (Date.now() < endMs) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await sleep(lookMs);
  }
  return undefined;
}
