/**
 * Whether a view that was unlocked ahead may be shown without the cloud. Pure. docs/protocol.md, "Prepaid views".
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import type { Rights } from '../../../gen/glimpse/v1/rights_pb.js';

/**
 * A clock may be so far behind what it was: less, and a clock that is corrected by a little shuts honest viewers
 * out until they meet the cloud; more, and time can be turned back by that much.
 */
export const clockBackMsMax = 120_000;

export interface PrepaidCase {
  /** The newest that this client has. */
  readonly rights: Rights;
  /** How many views were spent with this one, by the ledger's count when it was unlocked. */
  readonly ordinal: number;
  /** Now, by the cloud's clock as far as it is known, ms since 1970. */
  readonly nowMs: number;
  /** The latest time that was ever seen. */
  readonly clockMarkMs: number;
}

type PrepaidRefusal = Reason.REVOKED | Reason.EXPIRED | Reason.VIEWS_SPENT | Reason.CLOCK_SET_BACK;

/** Why it may not be shown; undefined: it may. */
export function refusePrepaid(given: PrepaidCase): PrepaidRefusal | undefined {
  const { rights, ordinal, nowMs, clockMarkMs } = given;
  if (rights.revoked) return Reason.REVOKED;
  if (rights.expiresAt && Math.max(nowMs, clockMarkMs) >= timestampMs(rights.expiresAt))
    return Reason.EXPIRED;
  if (ordinal > rights.quota) return Reason.VIEWS_SPENT;
  return clockMarkMs - nowMs > clockBackMsMax ? Reason.CLOCK_SET_BACK : undefined;
}
