/**
 * Which rights may begin a grant, and which may follow others. docs/format.md, "Rights".
 * Pure: signatures are checked before (core/rights/signed.ts), views are counted elsewhere (the ledger).
 */
import { Mode } from '../../../gen/glimpse/v1/rights_pb.js';
import type { Party, Rights } from '../../../gen/glimpse/v1/rights_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';

/** What the ledger knows of the one who puts rights, and of itself. */
export interface Putting {
  /** The certificate's name and the fingerprint of its current keys. */
  readonly caller: Pick<Party, 'name' | 'fingerprint'>;
  readonly cloudId: Uint8Array;
}

/** Why these rights may not begin a grant, or undefined: they may. */
export function checkFirst(rights: Rights, putting: Putting): Reason | undefined {
  if (rights.version !== 1) return Reason.VERSION_CONFLICT;
  return checkPutting(rights, putting);
}

/** Why `next` may not follow `current`, or undefined: it may. */
export function checkSuccessor(current: Rights, next: Rights, putting: Putting): Reason | undefined {
  const refused = checkPutting(next, putting);
  if (refused !== undefined) return refused;
  if (!sameGrant(current, next) || !sameOrNewHiding(current, next)) return Reason.RIGHTS_CHANGED_IDENTITY;
  return next.version === current.version + 1 ? undefined : Reason.VERSION_CONFLICT;
}

function checkPutting(rights: Rights, { caller, cloudId }: Putting): Reason | undefined {
  if (!equal(rights.cloudId, cloudId)) return Reason.WRONG_CLOUD;
  if (!sameParty(rights.owner, caller)) return Reason.NOT_YOURS;
  // Views are outstanding in prepaid mode, and in no other.
  return (rights.mode === Mode.PREPAID) === rights.batchViewsMax > 0 ? undefined : Reason.INVALID_REQUEST;
}

function sameGrant(current: Rights, next: Rights): boolean {
  return (
    equal(current.grantId, next.grantId) &&
    equal(current.cloudId, next.cloudId) &&
    equal(current.imageId, next.imageId) &&
    sameParty(current.owner, next.owner) &&
    sameParty(current.viewer, next.viewer)
  );
}

/** Hiding anew draws a new seal id, and nothing else moves what the rights bind. */
function sameOrNewHiding(current: Rights, next: Rights): boolean {
  if (!equal(current.sealId, next.sealId)) return !equal(current.payloadDigest, next.payloadDigest);
  return (
    current.secretId === next.secretId &&
    equal(current.payloadDigest, next.payloadDigest) &&
    current.payloadBytes === next.payloadBytes &&
    equal(current.fileKeyCommitment, next.fileKeyCommitment)
  );
}

function sameParty(one: Putting['caller'] | undefined, other: Putting['caller'] | undefined): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    one.name === other.name &&
    equal(one.fingerprint, other.fingerprint)
  );
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
