/**
 * What a change of rights makes of the rights before it. Pure. A version is absolute state, so a change that lost
 * against another put is made again over what won. docs/format.md, "Rights".
 */
import { Mode } from '../../../gen/glimpse/v1/rights_pb.js';
import type { Rights } from '../../../gen/glimpse/v1/rights_pb.js';

export interface RightsChange {
  /** Views in all, from the beginning. */
  readonly views?: number | undefined;
  /** Views on top of those allowed so far. */
  readonly add?: number | undefined;
  /** From when on no view is unlocked, ms since 1970; null: never. */
  readonly expiresAtMs?: number | null | undefined;
  readonly revoke?: boolean | undefined;
  /** Views that may be unlocked ahead; 0: strict. */
  readonly batchViewsMax?: number | undefined;
}

export type RightsState = Pick<Rights, 'version' | 'quota' | 'revoked' | 'batchViewsMax'> & {
  readonly expiresAtMs: number | null;
};

/** Most views of a grant: docs/format.md, "Rights". More would invite mistakes, fewer help nobody. */
export const quotaMax = 1_000_000;

/** Views in all after the change; more than `quotaMax` can be asked for, and is not to be. */
export function quotaAfter(current: Pick<RightsState, 'quota'>, { views, add }: RightsChange): number {
  return (views ?? current.quota) + (add ?? 0);
}

/** The state after the change, one version on. To allow views again is to take a revocation back. */
export function applyChange(current: RightsState, change: RightsChange): RightsState {
  const allowsViews = (change.views ?? 0) > 0 || (change.add ?? 0) > 0;
  // What was in bounds when it was wished may not be over a version that won meanwhile.
  const quota = Math.min(quotaMax, quotaAfter(current, change));
  return {
    version: current.version + 1,
    quota,
    revoked: change.revoke ?? (current.revoked && !allowsViews),
    expiresAtMs: change.expiresAtMs === undefined ? current.expiresAtMs : change.expiresAtMs,
    batchViewsMax: change.batchViewsMax ?? current.batchViewsMax,
  };
}

/** One change that does what `first` and then `second` would have done. */
export function mergeChanges(first: RightsChange, second: RightsChange): RightsChange {
  const views = second.views ?? first.views;
  const add = second.views === undefined ? sum(first.add, second.add) : second.add;
  const expiresAtMs = second.expiresAtMs === undefined ? first.expiresAtMs : second.expiresAtMs;
  const allowsViews = (second.views ?? 0) > 0 || (second.add ?? 0) > 0;
  const revoke = second.revoke ?? (allowsViews ? false : first.revoke);
  const batchViewsMax = second.batchViewsMax ?? first.batchViewsMax;
  return { views, add, expiresAtMs, revoke, batchViewsMax };
}

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0);
}

/** Views that may be unlocked ahead where the owner chose prepaid and no number. */
export const batchViewsUsual = 5;

/** Prepaid is to let views be unlocked ahead. */
export function modeOf({ batchViewsMax }: Pick<Rights, 'batchViewsMax'>): Mode {
  return batchViewsMax > 0 ? Mode.PREPAID : Mode.STRICT;
}

/** What an owner chose, in words and a number; undefined: nothing. */
export function batchOf(chosen: {
  readonly mode?: 'strict' | 'prepaid';
  readonly batchViewsMax?: number;
}): number | undefined {
  if (chosen.mode === 'strict') return 0;
  return chosen.mode === 'prepaid' ? (chosen.batchViewsMax ?? batchViewsUsual) : chosen.batchViewsMax;
}
