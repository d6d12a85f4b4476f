/**
 * Spending views. The debit is durable before this returns, and the key is released after: a crash between the
 * two loses a release, which a retry of the same view id makes good, and never a count. docs/protocol.md,
 * "Unlocking".
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Refused } from '../../core/rpc/errors.js';
import { LogEvent } from '../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { TallyRecordSchema, ViewRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import type { ViewRecord } from '../../gen/glimpse/v1/records_pb.js';
import { Mode, SignedRightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import type { Compare, Store, Write } from '../store/store.js';
import { bookWrites, findGrant, grantFor, unknownGrant } from './grant.js';
import type { Grant } from './grant.js';
import { keys } from './keys.js';
import { LEDGER_LIMITS } from './limits.js';
import type { Refusals } from './refusals.js';
import { decideViews } from './rules/view.js';
import type { AskedViews, ViewRefusal } from './rules/view.js';
import { commit } from './turns.js';
import type { Turns } from './turns.js';

/** What a viewer's client sends to unlock. */
export interface Unlocking {
  readonly grantId: Uint8Array;
  readonly viewIds: readonly Uint8Array[];
  readonly sealId: Uint8Array;
  /** Called with the rights before anything is spent; what it throws is thrown, and nothing is spent. */
  readonly ready?: (rights: Rights) => void;
}

/** The views were spent: the key may be released. */
export interface Spent {
  readonly signedRights: SignedRights;
  readonly rights: Rights;
  /** These views included. */
  readonly used: number;
}

interface FoundView {
  readonly record: ViewRecord | undefined;
  readonly same: Compare;
}

export class Viewing {
  readonly #store: Store;
  readonly #turns: Turns;
  readonly #refusals: Refusals;
  readonly #nowMs: () => number;

  constructor(store: Store, turns: Turns, refusals: Refusals, nowMs: () => number) {
    this.#store = store;
    this.#turns = turns;
    this.#refusals = refusals;
    this.#nowMs = nowMs;
  }

  /** See Ledger.spend. */
  async spend(fingerprint: Uint8Array, unlocking: Unlocking): Promise<Spent> {
    const { grantId, viewIds, sealId, ready } = unlocking;
    const asked: AskedViews = { fingerprint, viewIds, sealId };
    try {
      return await this.#turns.take(keys.rights(grantId), () => this.#attempt(grantId, asked, ready));
    } catch (error) {
      if (error instanceof Refused && counted.has(error.reason)) {
        await this.#refusals.count(grantId, error.reason, this.#nowMs());
      }
      throw error;
    }
  }

  /** See Ledger.confirm. */
  async confirm(fingerprint: Uint8Array, grantId: Uint8Array, viewId: Uint8Array): Promise<void> {
    await this.#turns.take(keys.rights(grantId), async () => {
      const { rights, tally, sameTally } = await grantFor(this.#store, grantId, fingerprint, 'viewer');
      const { record, same } = await this.#findView(grantId, viewId);
      if (!record) {
        throw new Refused(Reason.UNKNOWN_VIEW, 'no such view was spent, or too long ago: nothing to confirm');
      }
      if (record.confirmed) return;
      const nowMs = this.#nowMs();
      const told = {
        ...tally,
        outstanding: record.prepaid ? Math.max(0, tally.outstanding - 1) : tally.outstanding,
      };
      const next = {
        ...record,
        confirmed: true,
        pruneAt: record.pruneAt ?? timestampFromMs(nowMs + LEDGER_LIMITS.viewKeptMs),
      };
      const happening = { event: LogEvent.CONFIRMED, by: rights.viewer!, viewId };
      await commit(
        this.#store,
        [sameTally, same],
        [
          ...bookWrites(rights, create(TallyRecordSchema, told), happening, nowMs),
          putView(same.key, create(ViewRecordSchema, next)),
        ],
      );
    });
  }

  async #attempt(grantId: Uint8Array, asked: AskedViews, ready: Unlocking['ready']): Promise<Spent> {
    const [grant, ...views] = await Promise.all([
      findGrant(this.#store, grantId),
      ...asked.viewIds.map((viewId) => this.#findView(grantId, viewId)),
    ]);
    if (!grant) throw unknownGrant();
    const { rights, tally } = grant;
    const { used, outstanding } = tally;
    const nowMs = this.#nowMs();
    const known = { rights, used, outstanding, views: views.map(({ record }) => record) };
    const decision = decideViews(known, asked, nowMs);
    if (decision.type === 'refuse') throw this.#refusal(decision.reason, grant);
    ready?.(rights);
    if (decision.type === 'repeat') return this.#repeat(grant, views[0]!);
    return this.#charge(grant, views, asked.viewIds, nowMs);
  }

  /** That nothing was charged since is all that is compared: a view's row begins with a charge. */
  async #charge(
    grant: Grant,
    views: readonly FoundView[],
    viewIds: readonly Uint8Array[],
    nowMs: number,
  ): Promise<Spent> {
    const { rights, signed } = grant;
    const prepaid = rights.mode === Mode.PREPAID;
    const tally = create(TallyRecordSchema, {
      ...grant.tally,
      used: grant.tally.used + viewIds.length,
      outstanding: grant.tally.outstanding + (prepaid ? viewIds.length : 0),
    });
    const [viewId] = viewIds as readonly [Uint8Array, ...Uint8Array[]];
    const how = prepaid ? { event: LogEvent.PREPAID, views: viewIds.length } : { event: LogEvent.VIEW };
    const record = create(ViewRecordSchema, {
      releases: 1,
      prepaid,
      ...(!prepaid && { pruneAt: timestampFromMs(nowMs + LEDGER_LIMITS.viewKeptMs) }),
    });
    await commit(
      this.#store,
      [grant.sameRights, grant.sameTally],
      [
        ...bookWrites(rights, tally, { ...how, by: rights.viewer!, viewId }, nowMs),
        ...views.map(({ same }) => putView(same.key, record)),
      ],
    );
    return { signedRights: signed, rights, used: tally.used };
  }

  /** Charged before: only the release is counted, and only under the rights that were read. */
  async #repeat({ signed, rights, tally, sameRights }: Grant, { record, same }: FoundView): Promise<Spent> {
    const next = create(ViewRecordSchema, { ...record!, releases: record!.releases + 1 });
    await commit(this.#store, [sameRights, same], [putView(same.key, next)]);
    return { signedRights: signed, rights, used: tally.used };
  }

  async #findView(grantId: Uint8Array, viewId: Uint8Array): Promise<FoundView> {
    const key = keys.view(grantId, viewId);
    const row = await this.#store.get(key);
    return {
      record: row && fromBinary(ViewRecordSchema, row.value),
      same: { key, revision: row?.revision ?? 0 },
    };
  }

  #refusal(reason: ViewRefusal, { signed, rights }: Grant): Refused {
    if (reason === Reason.UNKNOWN_GRANT) return unknownGrant();
    const metadata: Record<string, string> = {};
    if (reason === Reason.VIEW_ID_STALE) metadata['now_ms'] = String(this.#nowMs());
    if (reason === Reason.LIMIT_EXCEEDED) {
      Object.assign(metadata, { limit: 'batchViewsMax', value: String(rights.batchViewsMax) });
    }
    if (reason === Reason.CARRIER_SUPERSEDED) {
      metadata['current'] = Buffer.from(toBinary(SignedRightsSchema, signed)).toString('base64');
    }
    return new Refused(reason, messages[reason], metadata);
  }
}

function putView(key: string, record: ViewRecord): Write {
  return { type: 'put', key, value: toBinary(ViewRecordSchema, record) };
}

/** What the owner is told of: refusals of the viewer's own, not those of strangers. */
const counted: ReadonlySet<Reason> = new Set([
  Reason.VIEWS_SPENT,
  Reason.REVOKED,
  Reason.EXPIRED,
  Reason.VIEW_ID_STALE,
  Reason.CARRIER_SUPERSEDED,
]);

const messages: Record<Exclude<ViewRefusal, Reason.UNKNOWN_GRANT>, string> = {
  [Reason.NOT_YOURS]: 'only the viewer of this grant may unlock it',
  [Reason.INVALID_REQUEST]:
    'a view id is a UUIDv7, one for each view: one view at a time, and several in prepaid mode, repeated whole',
  [Reason.LIMIT_EXCEEDED]:
    'the owner lets fewer views be unlocked ahead: show those that were, or unlock fewer at once',
  [Reason.REVOKED]: 'the owner revoked this grant',
  [Reason.EXPIRED]: 'this grant has expired: ask the owner for a later date',
  [Reason.CARRIER_SUPERSEDED]: 'the owner hid this photo anew: ask for the new picture; nothing was spent',
  [Reason.VIEW_ID_STALE]:
    'this view was asked for too long ago, or too often: ask for a new view; nothing was spent',
  [Reason.VIEWS_SPENT]: 'all views are spent: ask the owner for more',
};
