/**
 * How often unlocking was refused, by minute and reason: the owner may know, but one who is refused a thousand
 * times must not cost a thousand writes. The first refusal of a grant is written at once, those that follow
 * within a pause together. Counts are for people: what cannot be written is forgotten.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { RefusalCountSchema } from '../../gen/glimpse/v1/discovery_pb.js';
import type { RefusalCount } from '../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { RefusalRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import { STORE_LIMITS, StoreUnavailable } from '../store/store.js';
import type { Row, Store } from '../store/store.js';
import { keys, minuteOf } from './keys.js';
import { LEDGER_LIMITS } from './limits.js';
import { commit } from './turns.js';
import type { Turns } from './turns.js';

/** By row, then by reason. */
type Counts = Map<string, Map<string, number>>;

interface Pausing {
  counts: Counts;
  readonly timer: NodeJS.Timeout;
}

export class Refusals {
  readonly #store: Store;
  readonly #turns: Turns;
  readonly #pausing = new Map<string, Pausing>();

  constructor(store: Store, turns: Turns) {
    this.#store = store;
    this.#turns = turns;
  }

  async count(grantId: Uint8Array, reason: Reason, nowMs: number): Promise<void> {
    const prefix = keys.refusals(grantId);
    const row = keys.refusal(grantId, nowMs);
    const pausing = this.#pausing.get(prefix);
    if (pausing) {
      add(pausing.counts, row, Reason[reason]);
      return;
    }
    if (this.#pausing.size >= LEDGER_LIMITS.refusedGrantsMax) return;
    this.#pause(prefix);
    await this.#write(add(new Map(), row, Reason[reason]));
  }

  /** The latest minutes with refusals, oldest first. @throws StoreUnavailable */
  async read(grantId: Uint8Array): Promise<RefusalCount[]> {
    const prefix = keys.refusals(grantId);
    let rows: readonly Row[] = [];
    for (let after = ''; ; after = rows.at(-1)!.key) {
      const page = await this.#store.list({ prefix, after });
      rows = [...rows, ...page].slice(-LEDGER_LIMITS.refusalsReadMax);
      if (page.length < STORE_LIMITS.listRowsMax) return rows.flatMap(countsOf);
    }
  }

  /** Writes what was counted and not yet written. */
  async close(): Promise<void> {
    const waiting = [...this.#pausing.values()];
    this.#pausing.clear();
    for (const { timer } of waiting) clearTimeout(timer);
    await Promise.all(waiting.map(({ counts }) => this.#write(counts)));
  }

  #pause(prefix: string): void {
    const timer = setTimeout(() => void this.#resume(prefix), LEDGER_LIMITS.refusalPauseMs).unref();
    this.#pausing.set(prefix, { counts: new Map(), timer });
  }

  async #resume(prefix: string): Promise<void> {
    const { counts } = this.#pausing.get(prefix)!;
    if (counts.size === 0) {
      this.#pausing.delete(prefix);
      return;
    }
    this.#pause(prefix);
    await this.#write(counts);
  }

  async #write(counts: Counts): Promise<void> {
    for (const [key, reasons] of counts) {
      try {
        await this.#turns.take(key, () => this.#add(key, reasons));
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
    }
  }

  async #add(key: string, reasons: ReadonlyMap<string, number>): Promise<void> {
    const row = await this.#store.get(key);
    const record = row ? fromBinary(RefusalRecordSchema, row.value) : create(RefusalRecordSchema);
    for (const [reason, count] of reasons) record.counts[reason] = (record.counts[reason] ?? 0) + count;
    const value = toBinary(RefusalRecordSchema, record);
    await commit(this.#store, [{ key, revision: row?.revision ?? 0 }], [{ type: 'put', key, value }]);
  }
}

function add(counts: Counts, row: string, reason: string): Counts {
  const reasons = counts.get(row) ?? new Map<string, number>();
  reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  return counts.set(row, reasons);
}

function countsOf({ key, value }: Row): RefusalCount[] {
  const minute = timestampFromMs(minuteOf(key));
  const { counts } = fromBinary(RefusalRecordSchema, value);
  return Object.entries(counts).map(([reason, count]) =>
    create(RefusalCountSchema, { minute, reason, count }),
  );
}
