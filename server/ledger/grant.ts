/** A grant as the store has it, and the writes that change it. */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Refused } from '../../core/rpc/errors.js';
import { readRights } from '../../core/rights/signed.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { MailboxRecordSchema, TallyRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import type { TallyRecord } from '../../gen/glimpse/v1/records_pb.js';
import { SignedRightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import type { Compare, Store, Write } from '../store/store.js';
import { keys } from './keys.js';
import { LEDGER_LIMITS } from './limits.js';
import { logged } from './rules/log.js';
import type { Happening } from './rules/log.js';

export interface Grant {
  readonly signed: SignedRights;
  readonly rights: Rights;
  readonly tally: TallyRecord;
  /** That these are still the rights. */
  readonly sameRights: Compare;
  /** That nothing was counted or logged since. */
  readonly sameTally: Compare;
}

/** @throws StoreUnavailable */
export async function findGrant(store: Store, grantId: Uint8Array): Promise<Grant | undefined> {
  const [rightsRow, tallyRow] = await Promise.all([
    store.get(keys.rights(grantId)),
    store.get(keys.tally(grantId)),
  ]);
  // Both are written by version 1 in one transaction: if one is there, it came between the two reads.
  if (!rightsRow || !tallyRow) return undefined;
  const signed = fromBinary(SignedRightsSchema, rightsRow.value);
  return {
    signed,
    rights: readRights(signed),
    tally: fromBinary(TallyRecordSchema, tallyRow.value),
    sameRights: { key: rightsRow.key, revision: rightsRow.revision },
    sameTally: { key: tallyRow.key, revision: tallyRow.revision },
  };
}

export type Side = 'owner' | 'viewer';

/** Which side of the grant these keys are, if any. */
export function sideOf({ owner, viewer }: Rights, fingerprint: Uint8Array): Side | undefined {
  if (equal(owner!.fingerprint, fingerprint)) return 'owner';
  return equal(viewer!.fingerprint, fingerprint) ? 'viewer' : undefined;
}

/**
 * The grant, for one of its parties. To anyone else it does not exist.
 * @throws Refused UNKNOWN_GRANT, NOT_YOURS if only the other side may; StoreUnavailable
 */
export async function grantFor(
  store: Store,
  grantId: Uint8Array,
  fingerprint: Uint8Array,
  only?: Side,
): Promise<Grant> {
  const grant = await findGrant(store, grantId);
  if (!grant || !sideOf(grant.rights, fingerprint)) throw unknownGrant();
  if (only !== undefined && !equal(grant.rights[only]!.fingerprint, fingerprint)) {
    throw new Refused(Reason.NOT_YOURS, `only the ${only} of this grant may do that`);
  }
  return grant;
}

export function unknownGrant(): Refused {
  return new Refused(
    Reason.UNKNOWN_GRANT,
    'the ledger has no such grant of yours: the owner must put its first version before it can be used',
  );
}

/** The writes of a tally and the entry that explains it. @throws Refused LIMIT_EXCEEDED */
export function bookWrites(rights: Rights, tally: TallyRecord, happening: Happening, nowMs: number): Write[] {
  const { tally: next, sequence, entry } = logged(rights, tally, happening, nowMs);
  if (sequence > LEDGER_LIMITS.logEntriesMax) {
    throw new Refused(Reason.LIMIT_EXCEEDED, 'the log of this grant is full: make a new grant', {
      limit: 'logEntriesMax',
      value: String(LEDGER_LIMITS.logEntriesMax),
    });
  }
  return [
    { type: 'put', key: keys.tally(rights.grantId), value: toBinary(TallyRecordSchema, next) },
    { type: 'put', key: keys.log(rights.grantId, sequence), value: entry },
  ];
}

/** What the viewer has acknowledged of a grant. */
export function versionTaken(mailboxRecord: Uint8Array): number {
  return fromBinary(MailboxRecordSchema, mailboxRecord).versionTaken;
}

export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
