/** Counts what is under way, so that a server that stops can wait for it. */
import { EventEmitter, once } from 'node:events';

export class Underway {
  readonly #events = new EventEmitter();
  #count = 0;

  /** Something began; the result is to be called when it ends. */
  begin(): () => void {
    let ended = false;
    this.#count += 1;
    return () => {
      if (ended) return;
      ended = true;
      this.#count -= 1;
      if (this.#count === 0) this.#events.emit('idle');
    };
  }

  /** Resolves when nothing is under way, or after `deadlineMs`, with what still is. */
  async settled(deadlineMs: number): Promise<number> {
    const signal = AbortSignal.timeout(deadlineMs);
    if (this.#count > 0) await once(this.#events, 'idle', { signal }).catch(() => undefined);
    return this.#count;
  }
}
