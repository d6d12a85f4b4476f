/**
 * Writes that wait while the engine's thread or the disk is busy go along together: group commit. Each has its own
 * answer. One batch is under way at a time.
 */
import { StoreUnavailable } from '../store.js';
import type { Connection } from './connection.js';

export const BATCH_LIMITS = {
  /** Calls that wait. Beyond it the server is overloaded and says so at once. */
  waitingMax: 10_000,
  /** Calls of one batch: more for each wait on the disk, fewer for a shorter hold of the file. */
  callsMax: 256,
} as const;

class Waiting<Asked, Answer> {
  readonly asked: Asked;
  readonly answer: Promise<Answer>;
  /** Nobody waits any more: it need not be done. */
  abandoned = false;
  resolve!: (answer: Answer) => void;
  reject!: (error: unknown) => void;

  constructor(asked: Asked) {
    this.asked = asked;
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** Takes what waits now, each time it is called: an attempt that is made again takes along who came meanwhile. */
export type Take<Asked> = () => readonly Asked[];

export class Batches<Asked, Answer> {
  readonly #connection: Connection;
  readonly #run: (take: Take<Asked>) => Promise<readonly Answer[]>;
  #waiting: Waiting<Asked, Answer>[] = [];
  #draining: Promise<void> | undefined;

  /** `run` answers what it took last, in order. */
  constructor(connection: Connection, run: (take: Take<Asked>) => Promise<readonly Answer[]>) {
    this.#connection = connection;
    this.#run = run;
  }

  /** @throws StoreUnavailable */
  async submit(asked: Asked): Promise<Answer> {
    if (this.#waiting.length >= BATCH_LIMITS.waitingMax) {
      throw new StoreUnavailable('the store is overloaded: ask another server, or again');
    }
    const waiting = new Waiting<Asked, Answer>(asked);
    this.#waiting.push(waiting);
    this.#draining ??= this.#drain();
    try {
      return await this.#connection.withDeadline(waiting.answer);
    } finally {
      waiting.abandoned = true;
    }
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      let batch = this.#next();
      try {
        const answers = await this.#run(() => {
          batch = this.#next();
          return batch.map(({ asked }) => asked);
        });
        batch.forEach(({ resolve }, index) => resolve(answers[index]!));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      const taken = new Set(batch);
      this.#waiting = this.#waiting.filter((waiting) => !taken.has(waiting));
    }
    this.#draining = undefined;
  }

  #next(): readonly Waiting<Asked, Answer>[] {
    this.#waiting = this.#waiting.filter(({ abandoned }) => !abandoned);
    return this.#waiting.slice(0, BATCH_LIMITS.callsMax);
  }
}
