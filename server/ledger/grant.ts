/** A grant as the store has it, and the writes that change it. */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Refused } from '../../core/rpc/errors.js';
import { readRights } from '../../core/rights/signed.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { MailboxRecordSchema, TallyRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import type { TallyRecord } from '../../gen/glimpse/v1/records_pb.js';
import { SignedRightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import { STORE_LIMITS } from '../store/store.js';
import type { Compare, Row, Store, Write } from '../store/store.js';
import { keys } from './keys.js';
import { LEDGER_LIMITS } from './limits.js';
import { logged } from './rules/log.js';
import type { Happening } from './rules/log.js';

export interface Grant {
  readonly signed: SignedRights;
  readonly rights: Rights;
  readonly tally: TallyRecord;
  /** That all of this is still so: whoever puts rights, charges a view or logs anything writes the tally too. */
  readonly same: Compare;
}

/** @throws StoreUnavailable */
export async function findGrant(store: Store, grantId: Uint8Array): Promise<Grant | undefined> {
  const { grant } = await findGrantWith(store, grantId, []);
  return grant;
}

/** As many as are asked for, each as it was in one moment. @throws StoreUnavailable */
export async function findGrants(
  store: Store,
  grantIds: readonly Uint8Array[],
): Promise<(Grant | undefined)[]> {
  const rows = await rowsOf(
    store,
    grantIds.flatMap((grantId) => [keys.rights(grantId), keys.tally(grantId)]),
  );
  return grantIds.map((_, at) => {
    const [rights, tally] = [rows[2 * at], rows[2 * at + 1]];
    return rights && tally && grantIn(rights, tally);
  });
}

/** Rows in as few reads as may be: a read of its own for each is what a busy etcd is busy with. @throws StoreUnavailable */
export async function rowsOf(store: Store, asked: readonly string[]): Promise<(Row | undefined)[]> {
  // Even, so that no pair is torn.
  const { transactionOperationsMax: atOnce } = STORE_LIMITS;
  const reads: Promise<readonly (Row | undefined)[]>[] = [];
  for (let at = 0; at < asked.length; at += atOnce) reads.push(store.getAll(asked.slice(at, at + atOnce)));
  return (await Promise.all(reads)).flat();
}

/** A grant, and other rows as they were in the same moment. @throws StoreUnavailable */
export async function findGrantWith(
  store: Store,
  grantId: Uint8Array,
  others: readonly string[],
): Promise<{ grant: Grant | undefined; rows: readonly (Row | undefined)[] }> {
  const [rights, tally, ...rows] = await store.getAll([keys.rights(grantId), keys.tally(grantId), ...others]);
  return { grant: rights && tally && grantIn(rights, tally), rows };
}

function grantIn(rights: Row, tally: Row): Grant {
  const signed = fromBinary(SignedRightsSchema, rights.value);
  return {
    signed,
    rights: readRights(signed),
    tally: fromBinary(TallyRecordSchema, tally.value),
    same: { key: tally.key, revision: tally.revision },
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
  return forParty(await findGrant(store, grantId), fingerprint, only);
}

/** As grantFor, for a grant that was read. @throws Refused UNKNOWN_GRANT, NOT_YOURS */
export function forParty(grant: Grant | undefined, fingerprint: Uint8Array, only?: Side): Grant {
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
  const book = enter(rights, tally, happening, nowMs);
  return [tallyWrite(rights, book.tally), book.write];
}

export function tallyWrite({ grantId }: Rights, tally: TallyRecord): Write {
  return { type: 'put', key: keys.tally(grantId), value: toBinary(TallyRecordSchema, tally), quiet: true };
}

/** The tally with one more entry in its log, and the write of that entry. @throws Refused LIMIT_EXCEEDED */
export function enter(
  rights: Rights,
  tally: TallyRecord,
  happening: Happening,
  nowMs: number,
): { tally: TallyRecord; write: Write } {
  const { tally: next, sequence, entry } = logged(rights, tally, happening, nowMs);
  if (sequence > LEDGER_LIMITS.logEntriesMax) {
    throw new Refused(Reason.LIMIT_EXCEEDED, 'the log of this grant is full: make a new grant', {
      limit: 'logEntriesMax',
      value: String(LEDGER_LIMITS.logEntriesMax),
    });
  }
  const key = keys.log(rights.grantId, sequence);
  return { tally: next, write: { type: 'put', key, value: entry, quiet: true } };
}

/** What the viewer has acknowledged of a grant. */
export function versionTaken(mailboxRecord: Uint8Array): number {
  return fromBinary(MailboxRecordSchema, mailboxRecord).versionTaken;
}

export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
