/**
 * Group commit: commands that wait while the disk is busy share the next commit, and each has its own outcome.
 * One commit is under way at a time.
 */
import { StoreUnavailable } from '../store.js';
import type { Connection } from './connection.js';
import type { Command, Outcome } from './engine.js';

export const COMMIT_LIMITS = {
  /** Commands that wait. Beyond it the server is overloaded and says so at once. */
  waitingMax: 10_000,
  /** Commands of one commit: more for each wait on the disk, fewer for a shorter hold of the file. */
  commandsMax: 256,
} as const;

class Waiting {
  readonly command: Command;
  readonly outcome: Promise<Outcome>;
  /** Nobody waits any more: it need not be done. */
  abandoned = false;
  resolve!: (outcome: Outcome) => void;
  reject!: (error: unknown) => void;

  constructor(command: Command) {
    this.command = command;
    this.outcome = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

export class Commits {
  readonly #connection: Connection;
  readonly #onHead: (revision: number) => void;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;

  /** `onHead` hears the store's revision after each commit. */
  constructor(connection: Connection, onHead: (revision: number) => void) {
    this.#connection = connection;
    this.#onHead = onHead;
  }

  /** Settles once the command is durable. @throws StoreUnavailable */
  async submit(command: Command): Promise<Outcome> {
    if (this.#waiting.length >= COMMIT_LIMITS.waitingMax) {
      throw new StoreUnavailable('the store is overloaded: ask another server, or again');
    }
    const waiting = new Waiting(command);
    this.#waiting.push(waiting);
    this.#draining ??= this.#drain();
    try {
      return await this.#connection.withDeadline(waiting.outcome);
    } finally {
      waiting.abandoned = true;
    }
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      let batch = this.#next();
      try {
        // Taken anew for each attempt: those who came while the file was busy go along.
        const { outcomes, head } = await this.#connection.call('commit', () => {
          batch = this.#next();
          return batch.map(({ command }) => command);
        });
        batch.forEach(({ resolve }, index) => resolve(outcomes[index]!));
        this.#onHead(head);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      const taken = new Set(batch);
      this.#waiting = this.#waiting.filter((waiting) => !taken.has(waiting));
    }
    this.#draining = undefined;
  }

  #next(): readonly Waiting[] {
    this.#waiting = this.#waiting.filter(({ abandoned }) => !abandoned);
    return this.#waiting.slice(0, COMMIT_LIMITS.commandsMax);
  }
}
