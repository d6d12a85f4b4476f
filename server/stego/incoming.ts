/**
 * The stream of an owner who has something hidden: a header, then the cover, then the sealed payload, each exactly
 * as long as the header declares. docs/protocol.md, "Hiding".
 */
import { Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { HideHeader, HideRequest } from '../../gen/glimpse/v1/stego_pb.js';

/** To be read in this order. */
export class Incoming {
  readonly #parts: AsyncIterator<HideRequest>;

  constructor(requests: AsyncIterable<HideRequest>) {
    this.#parts = requests[Symbol.asyncIterator]();
  }

  /** @throws Refused BAD_STREAM if the stream begins with anything else */
  async header(): Promise<HideHeader> {
    const next = await this.#parts.next();
    const part = next.done === true ? undefined : next.value.part;
    if (part?.case !== 'header') throw badStream('it does not begin with a header');
    return part.value;
  }

  /** The cover's file. @throws Refused BAD_STREAM */
  async cover({ coverBytes }: HideHeader): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#exactly('cover', coverBytes)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  /** The sealed payload; at its end the stream ends too. @throws Refused BAD_STREAM */
  async *sealed({ sealedBytes }: HideHeader): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#exactly('sealed', sealedBytes);
    const after = await this.#parts.next();
    if (after.done !== true) throw badStream('it goes on after the payload');
  }

  async *#exactly(part: 'cover' | 'sealed', bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = bytes; left > 0;) {
      const next = await this.#parts.next();
      if (next.done === true) throw badStream(`it ends ${left} bytes before the end of its ${part}`);
      const found = next.value.part;
      if (found.case !== part)
        throw badStream(`a ${part} was expected and a ${found.case ?? 'nothing'} came`);
      if (found.value.length === 0) throw badStream('it has empty pieces');
      left -= found.value.length;
      if (left < 0) throw badStream(`its ${part} is longer than the ${bytes} bytes it declares`);
      yield found.value;
    }
  }
}

export function badStream(why: string): Refused {
  return new Refused(Reason.BAD_STREAM, `the stream is not as declared: ${why}. Send it again.`);
}
