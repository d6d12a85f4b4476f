/**
 * A ticket proves to the leader that a holder of the token elected it: docs/format.md, "Tickets". Whether a ticket
 * was used before is the leader's memory, not this file's.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { SignedTicketSchema, TicketSchema } from '../../gen/glimpse/v1/election_pb.js';
import type { SignedTicket, Ticket } from '../../gen/glimpse/v1/election_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { ticketKey } from '../../core/seal/keys.js';

/** One of the cluster's secrets, by its number. */
export interface NumberedSecret {
  readonly secretId: number;
  readonly secret: Uint8Array;
}

/** Authenticates a grant. The ticket is signed with the secret's number in it, whatever it said before. */
export function makeTicket(ticket: Ticket, { secretId, secret }: NumberedSecret): SignedTicket {
  const bytes = toBinary(TicketSchema, { ...ticket, secretId });
  return create(SignedTicketSchema, { ticket: bytes, mac: macOf(bytes, secret) });
}

/** What a ticket must be good for. */
export interface TicketUse {
  readonly secrets: ReadonlyMap<number, Uint8Array>;
  /** The member that is asked to work. */
  readonly leader: string;
  /** Of the keys of the caller. */
  readonly ownerFingerprint: Uint8Array;
  readonly sealedBytes: number;
  readonly nowMs: number;
}

export type CheckedTicket =
  | { readonly ok: true; readonly ticket: Ticket }
  | { readonly ok: false; readonly reason: Reason.BAD_TICKET | Reason.TICKET_STALE };

/** BAD_TICKET: forged, or for another leader, owner or size. TICKET_STALE: past its deadline; elect again. */
export function checkTicket(signed: SignedTicket, use: TicketUse): CheckedTicket {
  const ticket = authentic(signed, use.secrets);
  const fits =
    ticket !== undefined &&
    ticket.leader === use.leader &&
    ticket.sealedBytes === use.sealedBytes &&
    Buffer.compare(ticket.ownerFingerprint, use.ownerFingerprint) === 0;
  if (!fits) return { ok: false, reason: Reason.BAD_TICKET };
  const inTime = ticket.deadline !== undefined && timestampMs(ticket.deadline) > use.nowMs;
  return inTime ? { ok: true, ticket } : { ok: false, reason: Reason.TICKET_STALE };
}

/** The secret's number stands inside the ticket, so it is parsed first, and believed only if the MAC agrees. */
function authentic(signed: SignedTicket, secrets: ReadonlyMap<number, Uint8Array>): Ticket | undefined {
  const ticket = parse(signed.ticket);
  const secret = ticket && secrets.get(ticket.secretId);
  if (!secret) return undefined;
  const mac = macOf(signed.ticket, secret);
  return signed.mac.length === mac.length && timingSafeEqual(signed.mac, mac) ? ticket : undefined;
}

function parse(bytes: Uint8Array): Ticket | undefined {
  try {
    return fromBinary(TicketSchema, bytes);
  } catch {
    return undefined;
  }
}

/** By secret: deriving a key takes longer than the election that it signs. */
const keys = new WeakMap<Uint8Array, Uint8Array>();

function keyOf(secret: Uint8Array): Uint8Array {
  const known = keys.get(secret) ?? ticketKey(secret);
  keys.set(secret, known);
  return known;
}

function macOf(ticket: Uint8Array, secret: Uint8Array): Uint8Array {
  return createHmac('sha256', keyOf(secret)).update('glimpse/v1 ticket').update(ticket).digest();
}
