/** Counts what is under way, so that a server that stops can wait for it. */
import { EventEmitter, once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

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

  /** Resolves when nothing is under way, or after `deadlineMs`, with how many still are. */
  async settled(deadlineMs: number): Promise<number> {
    if (this.#count === 0) return 0;
    const over = new AbortController();
    const { signal } = over;
    const idle = once(this.#events, 'idle', { signal });
    const late = setTimeout(deadlineMs, undefined, { signal });
    await Promise.race([idle, late]);
    for (const other of [idle, late]) other.catch(() => undefined);
    over.abort();
    return this.#count;
  }
}
