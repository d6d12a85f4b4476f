/** A watchdog over streams: aborts when none of those it watches has moved for a while. */
import { Unreachable } from '../../core/rpc/errors.js';

export class Idle {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly signal: AbortSignal;

  /** @param message what to say when it bites */
  constructor(idleMs: number, message: string, also?: AbortSignal) {
    this.#timer = setTimeout(() => this.#controller.abort(new Unreachable(message)), idleMs);
    this.signal = also ? AbortSignal.any([also, this.#controller.signal]) : this.#controller.signal;
  }

  /** Something moved. */
  moved(): void {
    if (!this.#controller.signal.aborted) this.#timer.refresh();
  }

  /** The same items; each counts as movement when it comes, and when the next is asked for. */
  async *watching<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
    for await (const item of items) {
      this.moved();
      yield item;
      this.moved();
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
