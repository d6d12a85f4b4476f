/**
 * Who is admitted under a name, and what that writes: a pure function of the request, the name's row and the
 * invitation's. docs/protocol.md, "Enrolment".
 */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { JoinRequest } from '../../gen/glimpse/v1/enrolment_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { InvitationRecordSchema, NameRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import type { InvitationRecord, NameRecord } from '../../gen/glimpse/v1/records_pb.js';
import type { KeyBundle } from '../../gen/glimpse/v1/rights_pb.js';
import { Refused } from '../../core/rpc/errors.js';

/** Keys that recoveries replaced, remembered with the name: some 130 bytes each. */
const formerKeysMax = 16;

export interface Asked {
  readonly request: JoinRequest;
  readonly keys: KeyBundle;
  /** SHA-256 of the recovery code, if the request has one. */
  readonly recoveryDigest: Uint8Array | undefined;
  readonly nowMs: number;
}

/** What admitting writes: nothing if the name has these keys already. */
export interface Admission {
  readonly name?: NameRecord;
  readonly invitation?: InvitationRecord;
  /** The name had other keys until now: its presence ends. */
  readonly recovered?: true;
}

/** @throws Refused NAME_TAKEN, BAD_RECOVERY_CODE, BAD_JOIN_CODE, JOIN_CODE_EXPIRED, JOIN_CODE_USED_UP */
export function admit(
  asked: Asked,
  name: NameRecord | undefined,
  invitation: InvitationRecord | undefined,
): Admission {
  if (name?.keys && sameKeys(name.keys, asked.keys)) return {};
  if (asked.recoveryDigest) return recover(asked, asked.recoveryDigest, name);
  const used = use(asked, invitation);
  if (name) {
    throw new Refused(
      Reason.NAME_TAKEN,
      `The name ${name.name} belongs to another key: choose another name, or recover it with its recovery code.`,
    );
  }
  return { name: registered(asked), ...(used && { invitation: used }) };
}

/** A recovery code is worth more than an invitation: it needs none and uses none up. */
function recover(asked: Asked, digest: Uint8Array, name: NameRecord | undefined): Admission {
  if (!name?.keys || Buffer.compare(name.recoveryDigest, digest) !== 0) {
    // The same for a name that does not exist: strangers learn no names here.
    throw new Refused(
      Reason.BAD_RECOVERY_CODE,
      `This is not the recovery code of ${asked.request.name}: check both.`,
    );
  }
  const former = [...name.former, name.keys].slice(-formerKeysMax);
  return { name: create(NameRecordSchema, { ...registered(asked), former }), recovered: true };
}

function registered({ request, keys, nowMs }: Asked): NameRecord {
  return create(NameRecordSchema, {
    name: request.name,
    keys,
    recoveryDigest: request.recoveryDigest,
    registeredAt: timestampFromMs(nowMs),
  });
}

/** The invitation after this use; undefined if it counts none. */
function use(
  { request, nowMs }: Asked,
  invitation: InvitationRecord | undefined,
): InvitationRecord | undefined {
  if (!invitation) {
    throw new Refused(Reason.BAD_JOIN_CODE, 'This cloud knows no such join code: ask for a new one.');
  }
  if (invitation.name !== '' && invitation.name !== request.name) {
    throw new Refused(Reason.BAD_JOIN_CODE, `This join code is for the name ${invitation.name} alone.`);
  }
  if (invitation.expiresAt && timestampMs(invitation.expiresAt) <= nowMs) {
    throw new Refused(Reason.JOIN_CODE_EXPIRED, 'This join code has expired: ask for a new one.');
  }
  if (invitation.usesLeft === undefined) return undefined;
  if (invitation.usesLeft === 0) {
    throw new Refused(Reason.JOIN_CODE_USED_UP, 'This join code was used already: ask for a new one.');
  }
  return create(InvitationRecordSchema, { ...invitation, usesLeft: invitation.usesLeft - 1 });
}

function sameKeys(one: KeyBundle, other: KeyBundle): boolean {
  return (
    Buffer.compare(one.signingKey, other.signingKey) === 0 &&
    Buffer.compare(one.agreementKey, other.agreementKey) === 0
  );
}
