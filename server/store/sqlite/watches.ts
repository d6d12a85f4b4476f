/**
 * Watches read the log of changes whenever the store's revision moved: at once after this process's own
 * commits, and on a short timer for those of others. A watch holds no queue, only its place in the log, so a
 * slow reader costs nothing; one that stops for too long finds a gap and is told.
 */
import { StoreUnavailable } from '../store.js';
import type { Change } from '../store.js';
import type { Connection } from './connection.js';

/** How often other processes' commits are looked for while someone waits: shorter is sooner, longer is cheaper. */
const pollMs = 25;

interface Waiting {
  readonly position: number;
  readonly wake: () => void;
}

export class Watches {
  readonly #connection: Connection;
  readonly #waiting = new Set<Waiting>();
  #poller: NodeJS.Timeout | undefined;
  #head = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  watch(
    prefix: string,
    signal: AbortSignal,
    fromRevision: number | undefined,
  ): AsyncIterable<readonly Change[]> {
    // Asked now, not at the first next(): the watch begins with the call.
    const begun = fromRevision ?? this.#connection.read((reads) => reads.head());
    if (begun instanceof Promise) begun.catch(() => undefined);
    return this.#follow(prefix, signal, begun);
  }

  /** Tells where the store is. */
  moved(head: number): void {
    this.#head = head;
    for (const { position, wake } of this.#waiting) if (head > position) wake();
  }

  /** Wakes all, who then find the store closed. */
  close(): void {
    for (const { wake } of this.#waiting) wake();
  }

  async *#follow(
    prefix: string,
    signal: AbortSignal,
    begun: number | Promise<number>,
  ): AsyncGenerator<readonly Change[]> {
    let position = await begun;
    if (!signal.aborted) yield [];
    while (!signal.aborted) {
      const after = position;
      const page = await this.#connection.read((reads) => reads.changes(prefix, after));
      if (page.gap) {
        throw new StoreUnavailable(
          `changes after revision ${position} are no longer known: watch and list again`,
        );
      }
      if (page.changes.length > 0 && !isAborted(signal)) yield page.changes;
      if (page.upTo === position) await this.#moves(position, signal);
      position = page.upTo;
    }
  }

  #moves(position: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = { position, wake: () => finish() };
      const finish = () => {
        signal.removeEventListener('abort', finish);
        this.#waiting.delete(waiting);
        if (this.#waiting.size === 0) this.#rest();
        resolve();
      };
      if (signal.aborted || this.#head > position) {
        resolve();
        return;
      }
      signal.addEventListener('abort', finish);
      this.#waiting.add(waiting);
      this.#poller ??= setInterval(() => void this.#poll(), pollMs);
    });
  }

  async #poll(): Promise<void> {
    try {
      this.moved(await this.#connection.read((reads) => reads.head()));
    } catch {
      // Each asks for itself and hears why.
      this.close();
    }
  }

  #rest(): void {
    clearInterval(this.#poller);
    this.#poller = undefined;
  }
}

/** The signal may have changed while something was awaited. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
