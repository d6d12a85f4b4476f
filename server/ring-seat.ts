/**
 * This server's seat in the ring: empty while it starts, for it must listen before it can join. Others ask it who
 * the servers are and whether a ticket is good, and it knows what is being hidden here.
 */
import { Refused } from '../core/rpc/errors.js';
import { MemberState } from '../gen/glimpse/v1/election_pb.js';
import type { Member } from '../gen/glimpse/v1/election_pb.js';
import { Reason } from '../gen/glimpse/v1/error_pb.js';
import type { Ring } from './election/driver.js';
import type { Admission } from './stego/hide.js';
import { Underway } from './underway.js';

export class RingSeat implements Admission {
  readonly #hides = new Underway();
  #ring: Ring | undefined;

  /** The ring, once this server takes part in it. */
  get ring(): Ring | undefined {
    return this.#ring;
  }

  take(ring: Ring): void {
    this.#ring = ring;
  }

  /** Addresses of the servers that may answer, host:port, those that do as far as this one knows first. */
  servers(): string[] {
    const members = this.#members();
    return [MemberState.ALIVE, MemberState.SUSPECT].flatMap((state) =>
      members.filter((member) => member.state === state).map(({ address }) => address),
    );
  }

  /** Where a server listens, if it may answer. */
  addressOf(id: string): string | undefined {
    return this.#members().find((member) => member.id === id)?.address;
  }

  begin(...asked: Parameters<Admission['begin']>): { end(): void } {
    if (!this.#ring)
      throw new Refused(Reason.TICKET_STALE, 'This server has just started: have a leader elected anew.');
    const work = this.#ring.begin(...asked);
    const ended = this.#hides.begin();
    return {
      end: () => {
        work.end();
        ended();
      },
    };
  }

  /** Is elected no more; resolves with the hides that were not done by the deadline. */
  async drain(deadlineMs: number): Promise<number> {
    this.#ring?.drain();
    return this.#hides.settled(deadlineMs);
  }

  #members(): Member[] {
    return (this.#ring?.status().members ?? []).flatMap(({ member }) => member ?? []);
  }
}
