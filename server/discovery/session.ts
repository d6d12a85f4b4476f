/**
 * One attending client of this server: what waits to be told to it, and whether it answers. The stream that
 * carries it is attendance.ts, its row is kept by sessions.ts. docs/protocol.md, "Discovery".
 */
import { EventEmitter, once } from 'node:events';
import type { Standing } from './directory.js';

/** What goes before any rights update. */
export type Notice = { readonly type: 'probe'; readonly sequence: number } | { readonly type: 'goodbye' };

export class Session {
  readonly id: Uint8Array;
  readonly address: string;
  readonly standing: Standing;
  readonly #events = new EventEmitter();
  readonly #ended = new AbortController();
  #probing: Promise<boolean> | undefined;
  #sequence = 0;
  #probe = false;
  #goodbye = false;
  #stirred = false;
  #why: Error | undefined;

  constructor(id: Uint8Array, standing: Standing, address: string) {
    this.id = id;
    this.standing = standing;
    this.address = address;
  }

  get name(): string {
    return this.standing.name;
  }

  /** Aborted when the presence is over. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  hasEnded(): boolean {
    return this.ended.aborted;
  }

  /** What the client is to be told about the end, if anything. */
  get why(): Error | undefined {
    return this.#why;
  }

  /** Ends the presence; the first call counts. */
  end(why?: Error): void {
    if (this.ended.aborted) return;
    this.#why = why;
    this.#ended.abort();
  }

  /** Asks the client to answer; reports that come together share one probe. */
  probe(deadlineMs: number): Promise<boolean> {
    this.#probing ??= this.#ask(deadlineMs).finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  answered(sequence: number): void {
    this.#events.emit(`answer ${sequence}`);
  }

  /** Tells the client to attend elsewhere. */
  goodbye(): void {
    this.#goodbye = true;
    this.stir();
  }

  /** The next notice, if one waits. */
  take(): Notice | undefined {
    if (this.#goodbye) return { type: 'goodbye' };
    if (!this.#probe) return undefined;
    this.#probe = false;
    return { type: 'probe', sequence: this.#sequence };
  }

  /** There may be something to tell. */
  stir(): void {
    this.#stirred = true;
    this.#events.emit('stir');
  }

  /** Resolves when it was stirred since the last time; also when the signal aborts. */
  async stirred(signal: AbortSignal): Promise<void> {
    if (!this.#stirred) await once(this.#events, 'stir', { signal }).catch(() => undefined);
    this.#stirred = false;
  }

  async #ask(deadlineMs: number): Promise<boolean> {
    this.#sequence += 1;
    this.#probe = true;
    const signal = AbortSignal.any([AbortSignal.timeout(deadlineMs), this.ended]);
    const answer = once(this.#events, `answer ${this.#sequence}`, { signal });
    this.stir();
    return answer.then(
      () => true,
      () => false,
    );
  }
}
