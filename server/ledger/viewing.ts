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
import { SignedRightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { Rights } from '../../gen/glimpse/v1/rights_pb.js';
import type { Store } from '../store/store.js';
import { bookWrites, findGrantWith, forParty, unknownGrant } from './grant.js';
import type { Grant } from './grant.js';
import { keys } from './keys.js';
import { LEDGER_LIMITS } from './limits.js';
import type { Refusals } from './refusals.js';
import { Round, viewWrite } from './round.js';
import type { Spent } from './round.js';
import type { AskedViews, ViewRefusal } from './rules/view.js';
import { commit, SharedTurns } from './turns.js';
import type { Turns } from './turns.js';

/** What a viewer's client sends to unlock. */
export interface Unlocking {
  readonly grantId: Uint8Array;
  readonly viewIds: readonly Uint8Array[];
  readonly sealId: Uint8Array;
  /** Called with the rights before anything is spent; what it throws is thrown, and nothing is spent. */
  readonly ready?: (rights: Rights) => void;
}

export type { Spent } from './round.js';

type Asked = AskedViews & Pick<Unlocking, 'ready'>;

export class Viewing {
  readonly #store: Store;
  readonly #turns: Turns;
  readonly #spending: SharedTurns<Asked, Spent | Error>;
  readonly #refusals: Refusals;
  readonly #nowMs: () => number;

  constructor(store: Store, turns: Turns, refusals: Refusals, nowMs: () => number) {
    this.#store = store;
    this.#turns = turns;
    // Each costs a row a view, and one for all of them.
    const rowsOf = ({ viewIds }: Asked) => viewIds.length + 1;
    this.#spending = new SharedTurns(turns, LEDGER_LIMITS.viewRowsPerTurn, rowsOf);
    this.#refusals = refusals;
    this.#nowMs = nowMs;
  }

  /** See Ledger.spend. */
  async spend(fingerprint: Uint8Array, unlocking: Unlocking): Promise<Spent> {
    const { grantId, viewIds, sealId, ready } = unlocking;
    const asked: Asked = { fingerprint, viewIds, sealId, ...(ready && { ready }) };
    const answer = await this.#spending.take(keys.rights(grantId), asked, (all) =>
      this.#attempt(grantId, all),
    );
    if (!(answer instanceof Error)) return answer;
    if (answer instanceof Refused && counted.has(answer.reason)) {
      await this.#refusals.count(grantId, answer.reason, this.#nowMs());
    }
    throw answer;
  }

  /** See Ledger.confirm. */
  async confirm(fingerprint: Uint8Array, grantId: Uint8Array, viewId: Uint8Array): Promise<void> {
    await this.#turns.take(keys.rights(grantId), async () => {
      const key = keys.view(grantId, viewId);
      const { grant, rows } = await findGrantWith(this.#store, grantId, [key]);
      const { rights, tally, same } = forParty(grant, fingerprint, 'viewer');
      const [row] = rows;
      if (!row) {
        throw new Refused(Reason.UNKNOWN_VIEW, 'no such view was spent, or too long ago: nothing to confirm');
      }
      const record = fromBinary(ViewRecordSchema, row.value);
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
        [same, { key, revision: row.revision }],
        [
          ...bookWrites(rights, create(TallyRecordSchema, told), happening, nowMs),
          viewWrite(key, create(ViewRecordSchema, next)),
        ],
      );
    });
  }

  /** Answers each as if they had come one after the other, and writes what that comes to in one transaction. */
  async #attempt(grantId: Uint8Array, all: readonly Asked[]): Promise<(Spent | Error)[]> {
    const viewKeys = all.flatMap(({ viewIds }) => viewIds.map((viewId) => keys.view(grantId, viewId)));
    const { grant, rows } = await findGrantWith(this.#store, grantId, viewKeys);
    if (!grant) return all.map(() => unknownGrant());
    const round = new Round(grant, rows, this.#nowMs());
    const answers = all.map((asked) => this.#answer(round, grant, asked));
    const { compares, writes } = round;
    if (writes.length > 0) await commit(this.#store, compares, writes);
    return answers;
  }

  /** What one cannot have is no failure of the others. */
  #answer(round: Round, grant: Grant, asked: Asked): Spent | Error {
    try {
      const refused = round.spend(asked, asked.ready);
      return refused === undefined ? round.spent : this.#refusal(refused, grant, round.spent.used);
    } catch (error) {
      if (error instanceof Error) return error;
      throw error;
    }
  }

  #refusal(reason: ViewRefusal, { signed, rights }: Grant, used: number): Refused {
    if (reason === Reason.UNKNOWN_GRANT) return unknownGrant();
    if (reason === Reason.VIEWS_SPENT) return new Refused(reason, tooFew(rights.quota - used));
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

/** What the owner is told of: refusals of the viewer's own, not those of strangers. */
const counted: ReadonlySet<Reason> = new Set([
  Reason.VIEWS_SPENT,
  Reason.REVOKED,
  Reason.EXPIRED,
  Reason.VIEW_ID_STALE,
  Reason.CARRIER_SUPERSEDED,
]);

const messages: Record<Exclude<ViewRefusal, Reason.UNKNOWN_GRANT | Reason.VIEWS_SPENT>, string> = {
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
};

function tooFew(left: number): string {
  if (left <= 0) return 'all views are spent';
  return `fewer views are left than were asked for: nothing was spent, ask for ${left} at most`;
}
