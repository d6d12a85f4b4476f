/** A process that is kept running, but for what is done to it on purpose. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from '../demo/processes.js';

/** Between two attempts to start it, as a supervisor would leave. */
const restartMs = 500;
/** After so long without becoming ready it is told of: on two busy cores a start takes some seconds. */
const patienceMs = 90_000;

export class Kept {
  readonly name: string;
  readonly #begin: () => Promise<Running>;
  readonly #mishap: (what: string) => void;
  #running: Running | undefined;
  #isWanted = false;
  #starting: Promise<void> | undefined;

  /** @param begin starts it once; rejects if it does not become ready */
  constructor(name: string, begin: () => Promise<Running>, mishap: (what: string) => void) {
    this.name = name;
    this.#begin = begin;
    this.#mishap = mishap;
  }

  get isUp(): boolean {
    return this.#running !== undefined && !this.#running.ended;
  }

  /** Resolves when it is ready, or not wanted any more. */
  start(): Promise<void> {
    this.#isWanted = true;
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  /** -9 */
  async kill(): Promise<void> {
    this.#isWanted = false;
    await this.#running?.crash();
    this.#running = undefined;
  }

  /** In good order. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    await this.#starting;
    const running = this.#running;
    await running?.stop();
    this.#running = undefined;
    if (running?.exit !== undefined && running.exit !== 0)
      this.#mishap(`${this.name} was asked to end, and ended with ${running.exit}: ${await running.said()}`);
  }

  freeze(): void {
    this.#signal('SIGSTOP');
  }

  thaw(): void {
    this.#signal('SIGCONT');
  }

  /** Looks whether it ended by itself; then says so and starts it again. */
  async look(): Promise<void> {
    const running = this.#running;
    if (!this.#isWanted || this.#starting || !running?.ended) return;
    this.#running = undefined;
    const said = (await running.said()).trimEnd().split('\n').slice(-3).join('\n');
    this.#mishap(`${this.name} ended by itself (${running.exit ?? 'killed'}): ${said}`);
    await this.start();
  }

  async #start(): Promise<void> {
    const untilMs = performance.now() + patienceMs;
    while (this.#isWanted && !this.isUp) {
      if (performance.now() > untilMs) {
        this.#mishap(`${this.name} could not be started`);
        return;
      }
      await this.#tryOnce();
    }
  }

  async #tryOnce(): Promise<void> {
    const running = await this.#begin().catch(() => undefined);
    if (running === undefined) await sleep(restartMs);
    else if (this.#isWanted) this.#running = running;
    else await running.crash();
  }

  #signal(name: NodeJS.Signals): void {
    if (this.#running && !this.#running.ended) process.kill(this.#running.pid, name);
  }
}
