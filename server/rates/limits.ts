/**
 * How often one name may call what, at each server; a newcomer has no name, so its network address counts. Each is
 * far above what people and their clients do, and far below what one server can take.
 */
import type { Rate } from './rules/bucket.js';

export const RATE_LIMITS = {
  /**
   * Buckets kept for each rate, some 100 bytes each. With more callers than that the one that called longest ago
   * has a full bucket again: fewer forget sooner.
   */
  callersMax: 20_000,
} as const;

/** By method; what is not named is limited by `Others`. */
export const RATES: Readonly<Record<string, Rate>> = {
  /** Joining and recovering, by address: a certificate each, and a household or an office joins behind one address. */
  Join: { perSecond: 10, burst: 100 },
  /** Registering: a row is written. Clients whose server stops come back once, after a pause. */
  Attend: { perSecond: 5, burst: 50 },
  /** Each has a client probed. An owner with many viewers reports those who are away one after the other. */
  ReportOffline: { perSecond: 10, burst: 100 },
  /** An election costs a few messages; a client hides two photos at once. */
  Elect: { perSecond: 200, burst: 1_000 },
  /** As many as can be elected for. */
  Hide: { perSecond: 200, burst: 1_000 },
  /** All views of a grant are one name's, and those of one moment share a durable write. */
  Unlock: { perSecond: 2_000, burst: 4_000 },
  /** A durable write each. */
  ConfirmView: { perSecond: 500, burst: 2_000 },
  PutRights: { perSecond: 200, burst: 2_000 },
  /** A certificate is made. */
  Renew: { perSecond: 1, burst: 20 },
  /** Reading, mostly from memory. */
  Others: { perSecond: 500, burst: 5_000 },
};
