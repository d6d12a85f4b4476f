/**
 * Writes that wait while the engine's thread or the disk is busy go along together: group commit. Each has its own
 * answer. One batch is under way at a time.
 */
import { setImmediate } from 'node:timers/promises';
import { StoreUnavailable } from '../store.js';
import { callMs } from './connection.js';
import type { Connection } from './connection.js';

export const BATCH_LIMITS = {
  /** Calls that wait. Beyond it the server is overloaded and says so at once. */
  waitingMax: 10_000,
  /** Calls of one batch: more for each wait on the disk, fewer for a shorter hold of the file. */
  callsMax: 512,
} as const;

interface Waiting<Asked, Answer> {
  readonly asked: Asked;
  readonly lateAtMs: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  /** It has its answer, or nobody waits for it any more: it need not be done. */
  over: boolean;
}

/** Takes what waits now, each time it is called: an attempt that is made again takes along who came meanwhile. */
export type Take<Asked> = () => readonly Asked[];

export class Batches<Asked, Answer> {
  readonly #connection: Connection;
  readonly #run: (take: Take<Asked>) => Promise<readonly Answer[]>;
  /** In the order of their deadlines. */
  #waiting: Waiting<Asked, Answer>[] = [];
  #draining: Promise<void> | undefined;
  /** At the first deadline or before: one for all of them, for a timer each costs as much as the work. */
  #timer: NodeJS.Timeout | undefined;

  /** `run` answers what it took last, in order. */
  constructor(connection: Connection, run: (take: Take<Asked>) => Promise<readonly Answer[]>) {
    this.#connection = connection;
    this.#run = run;
  }

  /** @throws StoreUnavailable */
  submit(asked: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= BATCH_LIMITS.waitingMax) {
        reject(new StoreUnavailable('the store is overloaded: ask another server, or again'));
        return;
      }
      this.#waiting.push({ asked, lateAtMs: performance.now() + callMs, resolve, reject, over: false });
      this.#timer ??= setTimeout(() => this.#expire(), callMs);
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // Those who come in the same moment come along.
    await setImmediate();
    while (this.#waiting.length > 0) {
      let batch = this.#next();
      try {
        const answers = await this.#run(() => {
          batch = this.#next();
          return batch.map(({ asked }) => asked);
        });
        batch.forEach((one, at) => one.resolve(answers[at]!));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      for (const one of batch) one.over = true;
      this.#forget();
      await setImmediate();
    }
    this.#draining = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #next(): readonly Waiting<Asked, Answer>[] {
    return this.#waiting.slice(0, BATCH_LIMITS.callsMax);
  }

  #expire(): void {
    const nowMs = performance.now();
    for (const one of this.#waiting) {
      if (one.lateAtMs > nowMs) break;
      one.reject(this.#connection.late());
      one.over = true;
    }
    this.#forget();
    const [first] = this.#waiting;
    this.#timer = first && setTimeout(() => this.#expire(), first.lateAtMs - nowMs);
  }

  #forget(): void {
    this.#waiting = this.#waiting.filter(({ over }) => !over);
  }
}
