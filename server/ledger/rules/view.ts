/**
 * Whether a view is unlocked: docs/protocol.md, "Unlocking". Pure: the ledger reads the rows, and writes what
 * is decided here before any key is released.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import type { ViewRecord } from '../../../gen/glimpse/v1/records_pb.js';
import type { Rights } from '../../../gen/glimpse/v1/rights_pb.js';
import { LEDGER_LIMITS } from '../limits.js';

/** What a viewer asks for. */
export interface AskedView {
  /** Of the caller's keys. */
  readonly fingerprint: Uint8Array;
  readonly viewId: Uint8Array;
  /** The hiding that the viewer's carrier is of. */
  readonly sealId: Uint8Array;
}

/** What the ledger has. */
export interface KnownView {
  readonly rights: Rights;
  readonly used: number;
  /** Of the asked view, if it was spent before. */
  readonly view: Pick<ViewRecord, 'releases'> | undefined;
}

/** The reasons for which a view is refused. */
export type ViewRefusal =
  | Reason.UNKNOWN_GRANT
  | Reason.NOT_YOURS
  | Reason.INVALID_REQUEST
  | Reason.PREPAID_UNIMPLEMENTED
  | Reason.REVOKED
  | Reason.EXPIRED
  | Reason.CARRIER_SUPERSEDED
  | Reason.VIEW_ID_STALE
  | Reason.VIEWS_SPENT;

/** `spend`: charge a view. `repeat`: it was charged before, release again. */
export type ViewDecision =
  { readonly type: 'spend' | 'repeat' } | { readonly type: 'refuse'; readonly reason: ViewRefusal };

export function decideView(known: KnownView, asked: AskedView, nowMs: number): ViewDecision {
  const reason = refusalOf(known, asked, nowMs);
  if (reason !== undefined) return { type: 'refuse', reason };
  return { type: known.view ? 'repeat' : 'spend' };
}

/** Views that may still be spent. */
export function remainingOf(rights: Rights, used: number): number {
  return rights.revoked ? 0 : Math.max(0, rights.quota - used);
}

/** The time in a UUIDv7 (RFC 9562, 5.7), in ms since 1970; undefined if it is none. */
export function viewIdTimeMs(viewId: Uint8Array): number | undefined {
  const isVersion7 = viewId.length === 16 && viewId[6]! >> 4 === 7 && viewId[8]! >> 6 === 2;
  return isVersion7 ? Buffer.from(viewId).readUIntBE(0, 6) : undefined;
}

function refusalOf(known: KnownView, asked: AskedView, nowMs: number): ViewRefusal | undefined {
  const { rights } = known;
  if (!equal(rights.viewer!.fingerprint, asked.fingerprint)) {
    return equal(rights.owner!.fingerprint, asked.fingerprint) ? Reason.NOT_YOURS : Reason.UNKNOWN_GRANT;
  }
  const madeAtMs = viewIdTimeMs(asked.viewId);
  if (madeAtMs === undefined) return Reason.INVALID_REQUEST;
  if (rights.revoked) return Reason.REVOKED;
  if (rights.expiresAt && nowMs >= timestampMs(rights.expiresAt)) return Reason.EXPIRED;
  if (!equal(rights.sealId, asked.sealId)) return Reason.CARRIER_SUPERSEDED;
  if (isStale(nowMs - madeAtMs, known.view?.releases ?? 0)) return Reason.VIEW_ID_STALE;
  // A repeat is charged already; but rights may have shrunk below what was spent.
  const charged = known.view ? known.used : known.used + 1;
  return charged > rights.quota ? Reason.VIEWS_SPENT : undefined;
}

function isStale(ageMs: number, releases: number): boolean {
  const { viewWindowMs, viewSkewMs, releasesMax } = LEDGER_LIMITS;
  return ageMs < -viewSkewMs || ageMs > viewWindowMs + viewSkewMs || releases >= releasesMax;
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
