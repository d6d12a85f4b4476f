/** The credits of a row, packed as Load.credits says: 16 bytes of request id, 4 of deadline in seconds. */
import { hex, RING_LIMITS } from './state.js';

const idBytes = 16;
const creditBytes = idBytes + 4;

export const noCredits: Uint8Array = new Uint8Array(0);

export const noIds: ReadonlySet<string> = new Set();

/** How many credits there are; a remainder is none. */
export function creditCount(credits: Uint8Array): number {
  return Math.floor(credits.length / creditBytes);
}

const idAt = (credits: Uint8Array, index: number): Uint8Array =>
  credits.subarray(index * creditBytes, index * creditBytes + idBytes);

/** In milliseconds, so without bit operations, which end at 31 bits. */
function deadlineMsAt(credits: Uint8Array, index: number): number {
  const at = index * creditBytes + idBytes;
  const high = credits[at]! * 256 + credits[at + 1]!;
  const low = credits[at + 2]! * 256 + credits[at + 3]!;
  return (high * 65_536 + low) * 1000;
}

function keep(credits: Uint8Array, kept: (index: number) => boolean): Uint8Array {
  const count = creditCount(credits);
  if (count * creditBytes === credits.length && everyIndex(count, kept)) return credits;
  const packed = new Uint8Array(credits.length);
  let bytes = 0;
  for (let index = 0; index < count; index++) {
    if (!kept(index)) continue;
    packed.set(credits.subarray(index * creditBytes, (index + 1) * creditBytes), bytes);
    bytes += creditBytes;
  }
  return packed.slice(0, bytes);
}

function everyIndex(count: number, holds: (index: number) => boolean): boolean {
  for (let index = 0; index < count; index++) if (!holds(index)) return false;
  return true;
}

/** Credits that are still owed: neither settled by the worker nor past their deadline. */
export function owed(credits: Uint8Array, begun: ReadonlySet<string>, nowMs: number): Uint8Array {
  if (credits.length === 0) return credits;
  return keep(
    credits,
    (index) =>
      deadlineMsAt(credits, index) > nowMs && (begun.size === 0 || !begun.has(hex(idAt(credits, index)))),
  );
}

/** One more credit, and as many as there may be. A request that is granted twice owes two, settled by one begin. */
export function withCredit(credits: Uint8Array, requestId: Uint8Array, deadlineMs: number): Uint8Array {
  if (creditCount(credits) >= RING_LIMITS.creditsMax) return credits;
  const packed = new Uint8Array(credits.length + creditBytes);
  packed.set(credits);
  packed.set(requestId.subarray(0, idBytes), credits.length);
  new DataView(packed.buffer).setUint32(credits.length + idBytes, Math.ceil(deadlineMs / 1000));
  return packed;
}

/** Ids packed one after the other, as in Pong.begun, in hex. */
export function unpackIds(packed: Uint8Array): ReadonlySet<string> {
  if (packed.length === 0) return noIds;
  const ids = new Set<string>();
  for (let at = 0; at + idBytes <= packed.length; at += idBytes)
    ids.add(hex(packed.subarray(at, at + idBytes)));
  return ids;
}

/** As long as their ids, they are packed once. */
const packedIds = new WeakMap<ReadonlySet<string>, Uint8Array>();

export function packIds(ids: ReadonlySet<string>): Uint8Array {
  if (ids.size === 0) return noCredits;
  const packed = packedIds.get(ids) ?? Buffer.from([...ids].slice(-RING_LIMITS.begunMax).join(''), 'hex');
  packedIds.set(ids, packed);
  return packed;
}

/** The requests of the credits, in hex. */
export function creditedIds(credits: Uint8Array): readonly string[] {
  return Array.from({ length: creditCount(credits) }, (_, index) => hex(idAt(credits, index)));
}
