/** What is yet to be sent on one stream, in order, and bounded: a reader that does not keep up loses the stream. */

interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (reason: Error) => void;
}

export class Outbox<T> implements AsyncIterableIterator<T, undefined> {
  readonly #limit: number;
  readonly #messages: T[] = [];
  #waiter: Waiter<T> | undefined;
  #ended: { readonly failure?: Error } | undefined;

  /** Ends when more than `limit` messages wait. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when the stream is over and the message will never be sent. */
  push(message: T): boolean {
    if (this.#ended) return false;
    if (this.#waiter) {
      this.#waiter.resolve({ done: false, value: message });
      this.#waiter = undefined;
      return true;
    }
    if (this.#messages.length >= this.#limit) {
      this.end();
      return false;
    }
    this.#messages.push(message);
    return true;
  }

  /** Nothing more comes; what waits is dropped, for the stream is over. */
  end(): void {
    this.#messages.length = 0;
    this.#ended ??= {};
    this.#waiter?.resolve({ done: true, value: undefined });
    this.#waiter = undefined;
  }

  /** As `end`, and the reader is told why. */
  fail(failure: Error): void {
    this.#messages.length = 0;
    this.#ended ??= { failure };
    this.#waiter?.reject(failure);
    this.#waiter = undefined;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve({ done: false, value: message });
    if (this.#ended?.failure) return Promise.reject(this.#ended.failure);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => (this.#waiter = { resolve, reject }));
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
