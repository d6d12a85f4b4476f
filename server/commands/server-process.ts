/**
 * One server of the cloud as a process of its own: started, told when it is ready, started again when it dies,
 * stopped in good order. Its log goes to a file.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** What a server prints when it is ready. */
export interface Ready {
  readonly id: string;
  /** host:port of its services. */
  readonly address: string;
  /** host:port where it enrols. */
  readonly enrolment: string;
}

export interface ServerProcessOptions {
  readonly id: string;
  /** Program and arguments, given where the server listened before, if it did. */
  readonly command: (before: Ready | undefined) => readonly [string, ...string[]];
  readonly logFile: string;
  /** Started again so long after it died; undefined: never. */
  readonly restartMs: number | undefined;
}

export const SERVER_PROCESS_LIMITS = {
  /** From the start of a process to its ready line. Longer suits slow disks, shorter tells of trouble sooner. */
  readyMs: 30_000,
  /** From asking a server to stop to killing it: it finishes what it hides before it goes. */
  stopMs: 20_000,
} as const;

/** The process ended without becoming ready; the message is what it said. */
export class NotReady extends Error {
  override readonly name = 'NotReady';
  /** The exit code of the process, 1 if it was killed. */
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Events: `ready` with Ready, `died` with a text, as often as it happens. */
export class ServerProcess extends EventEmitter<{ ready: [Ready]; died: [string] }> {
  readonly #options: ServerProcessOptions;
  #child: ChildProcess | undefined;
  #ready: Ready | undefined;
  #restart: NodeJS.Timeout | undefined;
  #awayMs: number | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ServerProcessOptions) {
    super();
    this.#options = options;
  }

  get id(): string {
    return this.#options.id;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get ready(): Ready | undefined {
    return this.#ready;
  }

  /** Starts it. @throws NotReady if it ends before it is ready, or takes too long */
  async start(): Promise<Ready> {
    const child = this.#spawn();
    const ready = await readyLine(child, this.#options.logFile);
    this.#ready = ready;
    child.once('exit', (code, signal) => this.#died(signal ?? `exit code ${code}`));
    this.emit('ready', ready);
    return ready;
  }

  /** Kills it, and starts it again after that time. One that died by itself comes back by itself. */
  takeAway(awayMs: number): void {
    if (!this.#child || hasEnded(this.#child)) return;
    this.#awayMs = awayMs;
    this.#child.kill('SIGKILL');
  }

  /** Stops it in good order; kills it if that takes too long. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#restart);
    const child = this.#child;
    if (!child || hasEnded(child)) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), SERVER_PROCESS_LIMITS.stopMs);
    await ended;
    clearTimeout(killer);
  }

  #spawn(): ChildProcess {
    const [program, ...args] = this.#options.command(this.#ready);
    const log = openSync(this.#options.logFile, 'a', 0o600);
    try {
      // The fourth is a channel whose closing tells the server that its parent is gone, however it went. Detached,
      // it hears of the terminal's Ctrl-C from its parent alone, once.
      this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', log, 'ipc'], detached: true });
    } finally {
      closeSync(log);
    }
    return this.#child;
  }

  #died(how: string): void {
    if (this.#stopping) return;
    const awayMs = this.#awayMs;
    this.#awayMs = undefined;
    if (awayMs === undefined) this.emit('died', how);
    this.#startAgain(awayMs ?? this.#options.restartMs);
  }

  #startAgain(restartMs: number | undefined): void {
    if (restartMs === undefined || this.#stopping) return;
    this.#restart = setTimeout(() => {
      this.start().catch((error: unknown) => {
        if (!(error instanceof NotReady)) throw error;
        this.#died(error.message);
      });
    }, restartMs);
  }
}

async function readyLine(child: ChildProcess, logFile: string): Promise<Ready> {
  const waiting = new AbortController();
  const signal = AbortSignal.any([waiting.signal, AbortSignal.timeout(SERVER_PROCESS_LIMITS.readyMs)]);
  try {
    return await Promise.race([firstLine(child, signal), earlyEnd(child, logFile, signal)]);
  } catch (error) {
    child.kill('SIGKILL');
    if (error instanceof NotReady) throw error;
    throw new NotReady(
      `it was not ready within ${SERVER_PROCESS_LIMITS.readyMs / 1000} s: see ${logFile}`,
      1,
    );
  } finally {
    waiting.abort();
  }
}

async function firstLine(child: ChildProcess, signal: AbortSignal): Promise<Ready> {
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await once(lines, 'line', { signal })) as [string];
  return JSON.parse(line) as Ready;
}

async function earlyEnd(child: ChildProcess, logFile: string, signal: AbortSignal): Promise<never> {
  const [code] = (await once(child, 'exit', { signal })) as [number | null];
  throw new NotReady(await lastLine(logFile), code ?? 1);
}

/** The last words of a server that failed say why; whose they are is said by whoever repeats them. */
async function lastLine(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n');
  return lines.at(-1)?.replace(/^glimpse-server: /, '') || `it ended at once: see ${logFile}`;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
