/**
 * Whether a view is unlocked: docs/protocol.md, "Unlocking". Pure: the ledger reads the rows, and writes what
 * is decided here before any key is released.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import type { ViewRecord } from '../../../gen/glimpse/v1/records_pb.js';
import { Mode } from '../../../gen/glimpse/v1/rights_pb.js';
import type { Rights } from '../../../gen/glimpse/v1/rights_pb.js';
import { LEDGER_LIMITS } from '../limits.js';

/** What a viewer asks for. */
export interface AskedViews {
  /** Of the caller's keys. */
  readonly fingerprint: Uint8Array;
  /** One; in prepaid mode as many as may be outstanding. */
  readonly viewIds: readonly Uint8Array[];
  /** The hiding that the viewer's carrier is of. */
  readonly sealId: Uint8Array;
}

/** What the ledger has. */
export interface KnownViews {
  readonly rights: Rights;
  readonly used: number;
  /** Unlocked in prepaid mode and not confirmed. */
  readonly outstanding: number;
  /** Taken back after the owner's key was replaced. */
  readonly closed: boolean;
  /** Of the asked views, each if it was spent before. Releases of views that were unlocked together count at the first. */
  readonly views: readonly (Pick<ViewRecord, 'releases'> | undefined)[];
}

/** The reasons for which a view is refused. */
export type ViewRefusal =
  | Reason.UNKNOWN_GRANT
  | Reason.NOT_YOURS
  | Reason.INVALID_REQUEST
  | Reason.REVOKED
  | Reason.EXPIRED
  | Reason.CARRIER_SUPERSEDED
  | Reason.VIEW_ID_STALE
  | Reason.LIMIT_EXCEEDED
  | Reason.VIEWS_SPENT;

/** `spend`: charge the views. `repeat`: they were charged before, release again. */
export type ViewDecision =
  { readonly type: 'spend' | 'repeat' } | { readonly type: 'refuse'; readonly reason: ViewRefusal };

export function decideViews(known: KnownViews, asked: AskedViews, nowMs: number): ViewDecision {
  const reason = refusalOf(known, asked, nowMs);
  if (reason !== undefined) return { type: 'refuse', reason };
  return { type: known.views[0] ? 'repeat' : 'spend' };
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

function refusalOf(known: KnownViews, asked: AskedViews, nowMs: number): ViewRefusal | undefined {
  const { rights } = known;
  if (!equal(rights.viewer!.fingerprint, asked.fingerprint)) {
    return equal(rights.owner!.fingerprint, asked.fingerprint) ? Reason.NOT_YOURS : Reason.UNKNOWN_GRANT;
  }
  if (!areViewIds(asked.viewIds) || (asked.viewIds.length > 1 && rights.mode !== Mode.PREPAID)) {
    return Reason.INVALID_REQUEST;
  }
  if (rights.revoked || known.closed) return Reason.REVOKED;
  if (rights.expiresAt && nowMs >= timestampMs(rights.expiresAt)) return Reason.EXPIRED;
  if (!equal(rights.sealId, asked.sealId)) return Reason.CARRIER_SUPERSEDED;
  const releases = known.views[0]?.releases ?? 0;
  if (asked.viewIds.some((viewId) => isStale(nowMs - viewIdTimeMs(viewId)!, releases))) {
    return Reason.VIEW_ID_STALE;
  }
  return countRefusal(known);
}

/** What the count says. A repeat is charged already; but rights may have shrunk below what was spent. */
function countRefusal({ rights, used, outstanding, views }: KnownViews): ViewRefusal | undefined {
  const charged = views.filter((view) => view !== undefined).length;
  if (charged > 0 && charged < views.length) return Reason.INVALID_REQUEST;
  const more = views.length - charged;
  if (used + more > rights.quota) return Reason.VIEWS_SPENT;
  const isOver = rights.mode === Mode.PREPAID && more > 0 && outstanding + more > rights.batchViewsMax;
  return isOver ? Reason.LIMIT_EXCEEDED : undefined;
}

/** Each once, and each a UUIDv7. */
function areViewIds(viewIds: readonly Uint8Array[]): boolean {
  const different = new Set(viewIds.map((viewId) => Buffer.from(viewId).toString('hex')));
  const areAll = viewIds.every((viewId) => viewIdTimeMs(viewId) !== undefined);
  return viewIds.length > 0 && different.size === viewIds.length && areAll;
}

function isStale(ageMs: number, releases: number): boolean {
  const { viewWindowMs, viewSkewMs, releasesMax } = LEDGER_LIMITS;
  return ageMs < -viewSkewMs || ageMs > viewWindowMs + viewSkewMs || releases >= releasesMax;
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
