/**
 * The sending side of a stream on which answers follow what is heard: pushed from anywhere, pulled by the
 * transport. Bounded: a peer that makes us answer without reading the answers ends the stream.
 */
import { Unreachable } from '../../core/rpc/errors.js';

/** Messages that wait for the transport. More than a page of updates at once are not taken in. */
const waitingMax = 4_096;

export class Outgoing<Message> implements AsyncIterable<Message> {
  readonly #waiting: Message[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  /** Nothing, once ended. @throws Unreachable when the other side does not read */
  push(message: Message): void {
    if (this.#ended) return;
    if (this.#waiting.length >= waitingMax)
      throw new Unreachable('The other side does not read what it asked for.');
    this.#waiting.push(message);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message> {
    while (true) {
      const message = this.#waiting.shift();
      if (message !== undefined) yield message;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
