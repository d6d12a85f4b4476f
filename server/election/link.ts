/**
 * One link of the ring: Announce, then a Pass stream, from this member to another, until it breaks or is hung up.
 * What travels on it, and when it is dialled again, is the ring's `step`. docs/protocol.md, "Links".
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { toServer } from '../../core/identity/tls.js';
import type { Identity } from '../../core/identity/tls.js';
import { openChannel } from '../../core/rpc/channel.js';
import { createClient } from '../../core/rpc/client.js';
import { Unreachable } from '../../core/rpc/errors.js';
import { Election } from '../../gen/glimpse/v1/election_pb.js';
import type {
  AnnounceRequestSchema,
  AnnounceResponse,
  PassRequestSchema,
} from '../../gen/glimpse/v1/election_pb.js';
import { Outbox } from './outbox.js';
import type { Message } from './ring/state.js';

export const LINK_LIMITS = {
  /** To connect and to be answered. Shorter gives up busy members, longer waits for lost ones. */
  dialMs: 1000,
  /** Messages that may wait to be sent to a member, or as answers. It is silent long before there are so many. */
  unsentMax: 4096,
} as const;

type Request = MessageInitShape<typeof PassRequestSchema>;

export interface LinkParts {
  readonly id: string;
  readonly address: string;
  readonly identity: Identity;
  readonly announcement: MessageInitShape<typeof AnnounceRequestSchema>;
}

/** What a link tells; nothing after it was hung up. */
export interface LinkListener {
  up(answer: AnnounceResponse): void;
  heard(message: Message): void;
  /** Last, once. */
  down(cause: unknown): void;
}

export class Link {
  readonly #parts: LinkParts;
  readonly #outbox = new Outbox<Request>(LINK_LIMITS.unsentMax);
  readonly #ending = new AbortController();

  constructor(parts: LinkParts, listener: LinkListener) {
    this.#parts = parts;
    this.#run(listener).then(
      () => this.#unlessHungUp(() => listener.down(new Unreachable(`${parts.id} ended the stream.`))),
      (cause: unknown) => this.#unlessHungUp(() => listener.down(cause)),
    );
  }

  send(request: Request): void {
    this.#outbox.push(request);
  }

  hangUp(): void {
    this.#ending.abort();
  }

  async #run(listener: LinkListener): Promise<void> {
    const { id, address, identity, announcement } = this.#parts;
    const channel = openChannel(address, toServer(identity));
    const { signal } = this.#ending;
    try {
      const client = createClient(Election, channel);
      const answer = await client.announce(announcement, { deadlineMs: LINK_LIMITS.dialMs, signal });
      if (answer.id !== id) throw new Unreachable(`${address} is ${answer.id} now, not ${id}.`);
      this.#unlessHungUp(() => listener.up(answer));
      for await (const { message } of client.pass(this.#outbox, { signal })) {
        if (message.case !== undefined) this.#unlessHungUp(() => listener.heard(message));
      }
    } finally {
      this.#outbox.end();
      channel.close();
    }
  }

  #unlessHungUp(tell: () => void): void {
    if (!this.#ending.signal.aborted) tell();
  }
}
