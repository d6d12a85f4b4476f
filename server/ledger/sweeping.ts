/** Forgets what has no use any more: views past their memory, refusals of long ago. A little at a time. */
import { setTimeout } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { ViewRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import { StoreUnavailable } from '../store/store.js';
import type { Row, Store } from '../store/store.js';
import { keys, minuteOf } from './keys.js';
import { LEDGER_LIMITS } from './limits.js';

export class Sweeping {
  readonly #store: Store;
  readonly #nowMs: () => number;
  readonly #places = new Map<string, string>();

  constructor(store: Store, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  /** See Ledger.keepSwept. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.sweep();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
      await setTimeout(LEDGER_LIMITS.sweepPauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** See Ledger.sweep. */
  async sweep(): Promise<void> {
    const nowMs = this.#nowMs();
    await this.#step(keys.allViews, ({ value }) => {
      const pruneAt = pruneAtOf(value);
      return pruneAt !== undefined && timestampMs(pruneAt) <= nowMs;
    });
    await this.#step(keys.allRefusals, ({ key }) => minuteOf(key) + LEDGER_LIMITS.refusalsKeptMs <= nowMs);
  }

  /** Looks at the next rows of a prefix; after the last it begins anew. */
  async #step(prefix: string, isOver: (row: Row) => boolean): Promise<void> {
    const after = this.#places.get(prefix) ?? '';
    const rows = await this.#store.list({ prefix, after, limit: LEDGER_LIMITS.sweepRows });
    this.#places.set(prefix, rows.length < LEDGER_LIMITS.sweepRows ? '' : rows.at(-1)!.key);
    const over = rows.filter(isOver);
    if (over.length === 0) return;
    // If one of them was touched meanwhile, none goes: the next round looks again.
    await this.#store.transact(
      over.map(({ key, revision }) => ({ key, revision })),
      over.map(({ key }) => ({ type: 'delete', key, quiet: true })),
    );
  }
}

/** A row that cannot be read is left alone: it is no reason for a server to stop. */
function pruneAtOf(value: Uint8Array): Timestamp | undefined {
  try {
    return fromBinary(ViewRecordSchema, value).pruneAt;
  } catch {
    return undefined;
  }
}
