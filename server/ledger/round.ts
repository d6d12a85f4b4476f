/**
 * The views of one grant that are spent in one turn: one after the other, each with its own entry and row, and one
 * transaction for all of them. Pure: the ledger reads the rows before, and writes what is here after.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { LogEvent } from '../../gen/glimpse/v1/discovery_pb.js';
import { TallyRecordSchema, ViewRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import type { TallyRecord, ViewRecord } from '../../gen/glimpse/v1/records_pb.js';
import { Mode } from '../../gen/glimpse/v1/rights_pb.js';
import type { Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import type { Compare, Row, Write } from '../store/store.js';
import { enter, tallyWrite } from './grant.js';
import type { Grant } from './grant.js';
import { keys } from './keys.js';
import { LEDGER_LIMITS } from './limits.js';
import { decideViews } from './rules/view.js';
import type { AskedViews, ViewRefusal } from './rules/view.js';

/** The views were spent: the key may be released. */
export interface Spent {
  readonly signedRights: SignedRights;
  readonly rights: Rights;
  /** These views included. */
  readonly used: number;
}

export class Round {
  readonly #grant: Grant;
  readonly #nowMs: number;
  readonly #rows: ReadonlyMap<string, Row>;
  readonly #changed = new Map<string, ViewRecord>();
  readonly #entries: Write[] = [];
  #tally: TallyRecord;

  /** `rows` are those of the views that will be asked for, if they were spent before, as of the grant's moment. */
  constructor(grant: Grant, rows: readonly (Row | undefined)[], nowMs: number) {
    this.#grant = grant;
    this.#rows = new Map(rows.flatMap((row) => (row ? [[row.key, row]] : [])));
    this.#nowMs = nowMs;
    this.#tally = grant.tally;
  }

  /**
   * @param ready called with the rights before anything is spent; nothing is if it throws
   * @returns why they are refused; undefined: they are spent
   * @throws Refused LIMIT_EXCEEDED
   */
  spend(asked: AskedViews, ready?: (rights: Rights) => void): ViewRefusal | undefined {
    const { rights } = this.#grant;
    const { used, outstanding, closed } = this.#tally;
    const viewKeys = asked.viewIds.map((viewId) => keys.view(rights.grantId, viewId));
    const views = viewKeys.map((key) => this.#view(key));
    const decision = decideViews({ rights, used, outstanding, closed, views }, asked, this.#nowMs);
    if (decision.type === 'refuse') return decision.reason;
    ready?.(rights);
    const [view] = views;
    if (view)
      this.#changed.set(viewKeys[0]!, create(ViewRecordSchema, { ...view, releases: view.releases + 1 }));
    else this.#charge(asked.viewIds, viewKeys);
    return undefined;
  }

  /** How it stands after the last that was spent. */
  get spent(): Spent {
    const { signed, rights } = this.#grant;
    return { signedRights: signed, rights, used: this.#tally.used };
  }

  /** That what was read is still so. Of a view without a row the tally says it: who makes one writes the tally too. */
  get compares(): Compare[] {
    const touched = [...this.#changed.keys()].flatMap((key) => this.#rows.get(key) ?? []);
    return [this.#grant.same, ...touched.map(({ key, revision }) => ({ key, revision }))];
  }

  get writes(): Write[] {
    const tally = this.#entries.length > 0 ? [tallyWrite(this.#grant.rights, this.#tally)] : [];
    return [...tally, ...this.#entries, ...[...this.#changed].map(([key, view]) => viewWrite(key, view))];
  }

  #view(key: string): ViewRecord | undefined {
    const row = this.#rows.get(key);
    return this.#changed.get(key) ?? (row && fromBinary(ViewRecordSchema, row.value));
  }

  #charge(viewIds: readonly Uint8Array[], viewKeys: readonly string[]): void {
    const { rights } = this.#grant;
    const prepaid = rights.mode === Mode.PREPAID;
    const tally = create(TallyRecordSchema, {
      ...this.#tally,
      used: this.#tally.used + viewIds.length,
      outstanding: this.#tally.outstanding + (prepaid ? viewIds.length : 0),
    });
    const how = prepaid ? { event: LogEvent.PREPAID, views: viewIds.length } : { event: LogEvent.VIEW };
    const happening = { ...how, by: rights.viewer!, viewId: viewIds[0]! };
    const entered = enter(rights, tally, happening, this.#nowMs);
    this.#tally = entered.tally;
    this.#entries.push(entered.write);
    const record = create(ViewRecordSchema, {
      releases: 1,
      prepaid,
      ...(!prepaid && { pruneAt: timestampFromMs(this.#nowMs + LEDGER_LIMITS.viewKeptMs) }),
    });
    for (const key of viewKeys) this.#changed.set(key, record);
  }
}

export function viewWrite(key: string, view: ViewRecord): Write {
  return { type: 'put', key, value: toBinary(ViewRecordSchema, view), quiet: true };
}
