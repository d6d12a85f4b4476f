/**
 * Processes that a case measures with: a program of this folder, asked to do things over Node's channel, one answer
 * to each. It dies with its parent, however that ends, since its channel closes.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

interface Question {
  readonly number: number;
  readonly what: string;
  readonly given: unknown;
}

interface Answer {
  readonly number: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** What a process used since it was asked before. */
export interface Used {
  /** CPU, user and system, all threads. */
  readonly cpuMs: number;
  readonly elapsedMs: number;
  readonly residentBytes: number;
  /** The most that was resident since it started. */
  readonly peakBytes: number;
}

/** The asking side. */
export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #logFile: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #ended: Promise<unknown>;
  #asked = 0;

  /** @param words the program and its arguments, as Node is given them */
  constructor(name: string, words: readonly string[], logFile: string, through: readonly string[] = []) {
    this.name = name;
    this.#logFile = logFile;
    const [program, ...rest] = [...through, process.execPath, ...words] as [string, ...string[]];
    const log = openSync(logFile, 'a');
    this.#process = spawn(program, rest, { stdio: ['ignore', log, log, 'ipc'] });
    closeSync(log);
    this.#process.on('message', (answer) => {
      const { number } = answer as Answer;
      this.#waiting.get(number)?.(answer as Answer);
      this.#waiting.delete(number);
    });
    this.#ended = once(this.#process, 'exit').then(() => this.#over());
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(`${this.name} could not be started`);
    return this.#process.pid;
  }

  /** @throws Error with what the process threw, or said last */
  async ask<Result>(what: string, given: unknown = null): Promise<Result> {
    const number = (this.#asked += 1);
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(number, resolve));
    this.#process.send({ number, what, given } satisfies Question, (error) => {
      if (error) this.#over();
    });
    const { result, error } = await answered;
    if (error === undefined) return result as Result;
    throw new Error(`${this.name}: ${what}: ${error}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** In good order. */
  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGCONT');
      this.#process.kill('SIGTERM');
    }
    await this.#ended;
  }

  /** As a machine that loses its power. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  #over(): void {
    for (const [number, answer] of this.#waiting) {
      this.#waiting.delete(number);
      void readFile(this.#logFile, 'utf8').then((log) =>
        answer({ number, error: `it ended: ${log.trimEnd().split('\n').at(-1) ?? ''}` }),
      );
    }
  }
}
