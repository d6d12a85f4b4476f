/**
 * A token bucket: as many calls at once as it is deep, and so many a second for ever. Pure: when it is, the caller
 * says. docs/architecture.md, "Overload".
 */

export interface Rate {
  /** Calls a second, for ever. */
  readonly perSecond: number;
  /** Calls at once, after a pause. */
  readonly burst: number;
}

/** What was left in it, and when. */
export interface Bucket {
  readonly left: number;
  readonly atMs: number;
}

export type Taken =
  | { readonly ok: true; readonly bucket: Bucket }
  /** Nothing was taken; there will be one after so long, if nobody else takes it. */
  | { readonly ok: false; readonly waitMs: number };

/** Takes one call out of a bucket; out of a full one, if there is none yet. A clock set back gives nothing. */
export function take(bucket: Bucket | undefined, { perSecond, burst }: Rate, nowMs: number): Taken {
  const { left, atMs } = bucket ?? { left: burst, atMs: nowMs };
  const passedMs = Math.max(0, nowMs - atMs);
  const now = Math.min(burst, left + (passedMs * perSecond) / 1000);
  if (now >= 1) return { ok: true, bucket: { left: now - 1, atMs: Math.max(nowMs, atMs) } };
  return { ok: false, waitMs: Math.ceil(((1 - now) * 1000) / perSecond) };
}
