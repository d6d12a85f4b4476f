/**
 * What a peer may do here, decided from what the vault knows. Pure; whoever calls writes down and answers.
 * docs/protocol.md, "Peers", "Who is admitted".
 */

import type { Policy } from '../../vault/records.js';

export interface Door {
  /** Undefined: the owner has not decided. */
  readonly policy: Policy | undefined;
  /** `up --open`: every member of the cloud whom nobody decided about may request. */
  readonly open: boolean;
}

/** The policy that counts. */
export function effective({ policy, open }: Door): Policy {
  return policy ?? (open ? 'request' : 'none');
}

export type BrowseDecision = 'show' | 'knock';

export function decideBrowse(door: Door): BrowseDecision {
  return effective(door) === 'none' ? 'knock' : 'show';
}

export interface Asked {
  readonly door: Door;
  /** The grant that this viewer key already has for this image. */
  readonly grant: { readonly revoked: boolean } | undefined;
}

/** `deliver`: the grant there is, unchanged. `grant`: a new one. The others are refusals. */
export type RequestDecision = 'knock' | 'deliver' | 'grant' | 'revoked' | 'wait';

export function decideRequest({ door, grant }: Asked): RequestDecision {
  const policy = effective(door);
  if (policy === 'none') return 'knock';
  if (grant) return grant.revoked ? 'revoked' : 'deliver';
  return policy === 'request' ? 'grant' : 'wait';
}

/** Views of an automatic grant: what is asked (0: as many as there are), and never more than the owner's default. */
export function viewsGranted(asked: number, viewsDefault: number): number {
  return asked === 0 ? viewsDefault : Math.min(asked, viewsDefault);
}

export interface Offered {
  readonly policy: Policy | undefined;
  /** We asked for it, or hold this grant already. */
  readonly expected: boolean;
  /** What this sender has with us unasked and never opened. */
  readonly unasked: { readonly count: number; readonly bytes: number };
  readonly carrierBytes: number;
  readonly limits: { readonly unaskedCountMax: number; readonly unaskedBytesMax: number };
}

export type DeliveryDecision = 'take' | 'not-admitted' | 'too-much';

/** Unasked pictures are taken from whomever the owner of this client did not shut out, within bounds. */
export function decideDelivery({
  policy,
  expected,
  unasked,
  carrierBytes,
  limits,
}: Offered): DeliveryDecision {
  if (expected) return 'take';
  if (policy === 'none') return 'not-admitted';
  const within =
    unasked.count < limits.unaskedCountMax && unasked.bytes + carrierBytes <= limits.unaskedBytesMax;
  return within ? 'take' : 'too-much';
}
