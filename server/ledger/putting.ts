/**
 * Putting rights: compare-and-swap on the version, one grant for a viewer key and an image of an owner.
 * docs/protocol.md, "Rights". Which rights may follow which is in core/rights/rules.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FormatError } from '../../core/format-error.js';
import { EMPTY_LOG_HEAD } from '../../core/rights/log.js';
import { checkFirst, checkSuccessor } from '../../core/rights/rules/between.js';
import { readRights, verifyRights } from '../../core/rights/signed.js';
import { Refused } from '../../core/rpc/errors.js';
import type { Refusal } from '../../core/rpc/errors.js';
import { LogEvent } from '../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import {
  MailboxRecordSchema,
  TallyRecordSchema,
  UntakenRecordSchema,
} from '../../gen/glimpse/v1/records_pb.js';
import { PartySchema, SignedRightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { KeyBundle, Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import { StoreUnavailable } from '../store/store.js';
import type { Store, Write } from '../store/store.js';
import { bookWrites, equal, findGrant, sideOf, unknownGrant } from './grant.js';
import type { Grant } from './grant.js';
import { keys } from './keys.js';
import { LEDGER_LIMITS } from './limits.js';
import { commit } from './turns.js';
import type { Turns } from './turns.js';

/** A client of the cloud with its current keys. */
export interface Owner {
  readonly name: string;
  readonly keys: KeyBundle;
  readonly fingerprint: Uint8Array;
}

export class Putting {
  readonly #store: Store;
  readonly #turns: Turns;
  readonly #cloudId: Uint8Array;
  readonly #nowMs: () => number;

  constructor(store: Store, turns: Turns, cloudId: Uint8Array, nowMs: () => number) {
    this.#store = store;
    this.#turns = turns;
    this.#cloudId = cloudId;
    this.#nowMs = nowMs;
  }

  /** See Ledger.put. */
  async put(owner: Owner, signed: SignedRights): Promise<{ used: number }> {
    const rights = verified(signed, owner);
    return this.#turns.take(turnOf(rights), async () => {
      const grant = await findGrant(this.#store, rights.grantId);
      if (!grant) return this.#begin(owner, signed, rights);
      if (equal(grant.signed.rights, signed.rights)) return { used: grant.tally.used };
      return this.#succeed(grant, owner, signed, rights);
    });
  }

  async #begin(owner: Owner, signed: SignedRights, rights: Rights): Promise<{ used: number }> {
    if (rights.version !== 1) throw unknownGrant();
    const refused = checkFirst(rights, { caller: owner, cloudId: this.#cloudId });
    if (refused !== undefined) throw refusal(refused);
    const viewer = rights.viewer!.fingerprint;
    const pairKey = keys.pair(viewer, owner.fingerprint, rights.imageId);
    const pair = await this.#store.get(pairKey);
    if (pair) throw await this.#exists(pair.value);
    const { untaken, revision } = await this.#untaken(viewer, owner.fingerprint);
    const tally = create(TallyRecordSchema, { logHead: EMPTY_LOG_HEAD, ownerKeys: owner.keys });
    const nowMs = this.#nowMs();
    const nothing = new Uint8Array();
    await commit(
      this.#store,
      [
        { key: keys.rights(rights.grantId), revision: 0 },
        { key: pairKey, revision: 0 },
        { key: untaken.key, revision },
      ],
      [
        putOf(signed, rights),
        ...bookWrites(rights, tally, { event: LogEvent.GRANT, by: rights.owner! }, nowMs),
        { type: 'put', key: keys.given(owner.fingerprint, rights.grantId), value: nothing, quiet: true },
        {
          type: 'put',
          key: keys.held(viewer, rights.grantId),
          value: toBinary(MailboxRecordSchema, create(MailboxRecordSchema)),
          quiet: true,
        },
        { type: 'put', key: pairKey, value: rights.grantId, quiet: true },
        untaken,
      ],
    );
    return { used: 0 };
  }

  async #succeed(
    grant: Grant,
    owner: Owner,
    signed: SignedRights,
    rights: Rights,
  ): Promise<{ used: number }> {
    const side = sideOf(grant.rights, owner.fingerprint);
    if (side === undefined) throw unknownGrant();
    if (side === 'viewer') throw refusal(Reason.NOT_YOURS);
    const refused = checkSuccessor(grant.rights, rights, { caller: owner, cloudId: this.#cloudId });
    if (refused !== undefined) throw refusal(refused, grant.signed);
    const tally = create(TallyRecordSchema, { ...grant.tally, ownerKeys: owner.keys });
    const happening = { event: LogEvent.UPDATE, by: rights.owner! };
    await commit(
      this.#store,
      [grant.same],
      [putOf(signed, rights), ...bookWrites(rights, tally, happening, this.#nowMs())],
    );
    return { used: tally.used };
  }

  /** See Ledger.revokeFormer. */
  async revokeFormer(owner: Owner, former: readonly Uint8Array[], grantId: Uint8Array): Promise<void> {
    await this.#turns.take(keys.rights(grantId), async () => {
      const grant = await findGrant(this.#store, grantId);
      const given = grant?.rights.owner!.fingerprint;
      if (!grant || !former.some((each) => equal(each, given!))) throw unknownGrant();
      if (grant.tally.closed) return;
      const { name, fingerprint } = owner;
      const by = create(PartySchema, { name, fingerprint });
      const tally = create(TallyRecordSchema, { ...grant.tally, closed: true });
      await commit(
        this.#store,
        [grant.same],
        bookWrites(grant.rights, tally, { event: LogEvent.CLOSED, by }, this.#nowMs()),
      );
    });
  }

  async #exists(grantId: Uint8Array): Promise<Error> {
    const grant = await findGrant(this.#store, grantId);
    // The pair came with its grant, after this attempt had looked for it.
    if (!grant) return new StoreUnavailable('the grant of this viewer and image is being made: ask again');
    return refusal(Reason.GRANT_EXISTS, grant.signed);
  }

  /** The count of grants that this viewer has not acknowledged, with one more. */
  async #untaken(viewer: Uint8Array, owner: Uint8Array): Promise<{ untaken: Write; revision: number }> {
    const key = keys.untaken(viewer, owner);
    const row = await this.#store.get(key);
    const grants = (row ? fromBinary(UntakenRecordSchema, row.value).grants : 0) + 1;
    if (grants > LEDGER_LIMITS.untakenGrantsMax) {
      throw new Refused(
        Reason.LIMIT_EXCEEDED,
        `the viewer has not yet taken ${LEDGER_LIMITS.untakenGrantsMax} grants of yours: wait until they come back`,
        { limit: 'untakenGrantsMax', value: String(LEDGER_LIMITS.untakenGrantsMax) },
      );
    }
    const value = toBinary(UntakenRecordSchema, create(UntakenRecordSchema, { grants }));
    return { untaken: { type: 'put', key, value, quiet: true }, revision: row?.revision ?? 0 };
  }
}

/** First versions for a viewer all change one count; later ones only their grant. */
function turnOf({ grantId, version, owner, viewer }: Rights): string {
  return version === 1 ? keys.untaken(viewer!.fingerprint, owner!.fingerprint) : keys.rights(grantId);
}

function putOf(signed: SignedRights, rights: Rights): Write {
  return { type: 'put', key: keys.rights(rights.grantId), value: toBinary(SignedRightsSchema, signed) };
}

/** @throws FormatError (rights) if they are malformed; Refused NOT_YOURS, BAD_SIGNATURE */
function verified(signed: SignedRights, owner: Owner): Rights {
  if (sideOf(readRights(signed), owner.fingerprint) !== 'owner') throw refusal(Reason.NOT_YOURS);
  try {
    return verifyRights(signed, owner.keys);
  } catch (error) {
    throw error instanceof FormatError ? refusal(Reason.BAD_SIGNATURE) : error;
  }
}

const messages: Partial<Record<Reason, string>> = {
  [Reason.NOT_YOURS]: 'only the owner that the rights name may put them, with the name and keys of now',
  [Reason.BAD_SIGNATURE]: 'the rights are not signed by their owner: sign them again',
  [Reason.WRONG_CLOUD]: 'the rights are for another cloud: sign them for this one',
  [Reason.INVALID_REQUEST]:
    'prepaid rights say how many views may be outstanding, 1 to 64; strict rights say 0',
  [Reason.VERSION_CONFLICT]: 'the rights were changed meanwhile: sign the change again over the current ones',
  [Reason.RIGHTS_CHANGED_IDENTITY]: 'a grant keeps its owner, viewer and image for ever: make a new grant',
  [Reason.GRANT_EXISTS]: 'this viewer has a grant for this image: change that one',
};

function refusal(reason: Reason, current?: SignedRights): Refused {
  return new Refused(reason as Refusal, messages[reason] ?? 'the rights are refused', currentOf(current));
}

function currentOf(current: SignedRights | undefined): Record<string, string> {
  if (!current) return {};
  return { current: Buffer.from(toBinary(SignedRightsSchema, current)).toString('base64') };
}
