/** Connecting to a peer: where the directory says, or where it was reached last; to the pinned key and no other. */
import pRetry from 'p-retry';
import type { Client } from '../../core/rpc/method.js';
import { Unreachable } from '../../core/rpc/errors.js';
import type { Peer } from '../../gen/glimpse/v1/peer_pb.js';
import type { Known, People } from './people.js';
import type { Workings } from './workings.js';

export interface Dialled {
  readonly peer: Client<typeof Peer>;
  /** What an error of a call to this peer means to a person: without an answer, who did not answer, and where. */
  inWords(error: unknown): unknown;
  /** The peer answered as it should: the connection is kept for the next call for a while. */
  keep(): void;
  /** To be called when the work is over, well or not. */
  close(): void;
}

/** The directory says that the peer is not present, or cannot be dialled. */
export class Away extends Unreachable {}

/**
 * As People.find. Who is said to be offline may only be moving from a server that stops, and is looked up again.
 * @throws Away; and what finding throws
 */
export function findPresent({ periods }: Workings, people: People, spec: string): Promise<Known> {
  const look = async (): Promise<Known> => {
    const known = await people.find(spec);
    addressOf(known);
    return known;
  };
  return pRetry(look, {
    retries: periods.attempts - 1,
    minTimeout: periods.pauseMs,
    randomize: true,
    shouldRetry: ({ error }) => error instanceof Away,
  });
}

/** @throws Away; the connection itself is made by the first call, which throws Unreachable or Refused KEY_CHANGED */
export function dial({ peers }: Workings, known: Known): Dialled {
  const { name, keys } = known.contact;
  const address = addressOf(known);
  const line = peers.take(address, keys.signingKey);
  const inWords = (error: unknown): unknown =>
    error instanceof Unreachable
      ? new Unreachable(`${name} does not answer at ${address}: try again when ${name} is back.`, {
          cause: error,
        })
      : error;
  return { ...line, inWords };
}

/** @throws Away */
function addressOf({ contact, entry }: Known): string {
  const { name } = contact;
  if (entry && !entry.online) throw new Away(`${name} is offline: try again when ${name} is back.`);
  const address = entry ? entry.address : contact.address;
  if (address === undefined || address === '') {
    throw new Away(`${name} cannot be dialled from here: ${name} is online without an address of its own.`);
  }
  return address;
}
