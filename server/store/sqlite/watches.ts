/**
 * Watches read the log of changes whenever the store's head moved: at once after this process's own commits, and on
 * a short timer for those of others. Those that wait have all seen the log up to one place: it is read once for all of
 * them, and only those wake that have something below their prefix. A watch holds no queue, only its place in the log,
 * so a slow reader costs nothing: it reads for itself when it comes back. One that stops for too long finds a gap and
 * is told.
 */
import { StoreUnavailable } from '../store.js';
import type { Change } from '../store.js';
import type { Connection } from './connection.js';
import type { ChangesPage } from './reads.js';

/** How often other processes' commits are looked for while someone waits: shorter is sooner, longer is cheaper. */
const pollMs = 25;

interface Waiting {
  readonly prefix: string;
  /** With what is new below the prefix, or with nothing: then the watch reads for itself, or ends. */
  readonly wake: (changes: readonly Change[]) => void;
}

export class Watches {
  readonly #connection: Connection;
  readonly #waiting = new Set<Waiting>();
  #poller: NodeJS.Timeout | undefined;
  /** Up to here those that wait have seen the log. */
  #seen = 0;

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

  /** Tells where the store is at least. */
  moved(head: number): void {
    if (head > this.#seen) this.#look();
  }

  /** Wakes all, who then find the store closed. */
  close(): void {
    for (const { wake } of this.#waiting) wake([]);
  }

  async *#follow(
    prefix: string,
    signal: AbortSignal,
    begun: number | Promise<number>,
  ): AsyncGenerator<readonly Change[]> {
    let position = await begun;
    if (!signal.aborted) yield [];
    while (!signal.aborted) {
      const page = await this.#next(prefix, position, signal);
      if (page.gap) {
        throw new StoreUnavailable(
          `changes after revision ${position} are no longer known: watch and list again`,
        );
      }
      if (page.changes.length > 0 && !isAborted(signal)) yield page.changes;
      position = page.upTo;
    }
  }

  /** Read for this watch alone, or with all others once there is something new. */
  async #next(prefix: string, position: number, signal: AbortSignal): Promise<ChangesPage> {
    if (this.#look() && position === this.#seen) return this.#wait(prefix, signal);
    return this.#connection.read((reads) => reads.changes(prefix, position));
  }

  #wait(prefix: string, signal: AbortSignal): Promise<ChangesPage> {
    return new Promise((resolve) => {
      const wake = (changes: readonly Change[]) => {
        signal.removeEventListener('abort', end);
        this.#waiting.delete(waiting);
        if (this.#waiting.size === 0) this.#rest();
        resolve({ gap: false, changes, upTo: this.#seen });
      };
      const end = () => wake([]);
      const waiting = { prefix, wake };
      signal.addEventListener('abort', end);
      this.#waiting.add(waiting);
      this.#poller ??= setInterval(() => this.#look(), pollMs);
    });
  }

  /** Sees what is new, for all that wait. False: it cannot be seen now. */
  #look(): boolean {
    try {
      const head = this.#connection.readAtOnce((reads) => reads.head());
      if (this.#waiting.size === 0) this.#seen = head;
      if (head > this.#seen) this.#tell();
      // A page has its bounds; the thread is others' too.
      if (head > this.#seen) setImmediate(() => this.#look());
      return true;
    } catch {
      // Each asks for itself and hears why.
      this.close();
      return false;
    }
  }

  #tell(): void {
    const page = this.#connection.readAtOnce((reads) => reads.changes('', this.#seen));
    if (page.gap) {
      // Each asks for itself and hears it.
      this.close();
      return;
    }
    this.#seen = page.upTo;
    for (const { prefix, wake } of this.#waiting) {
      const changes = page.changes.filter((change) => keyOf(change).startsWith(prefix));
      if (changes.length > 0) wake(changes);
    }
  }

  #rest(): void {
    clearInterval(this.#poller);
    this.#poller = undefined;
  }
}

function keyOf(change: Change): string {
  return change.type === 'put' ? change.row.key : change.key;
}

/** The signal may have changed while something was awaited. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
