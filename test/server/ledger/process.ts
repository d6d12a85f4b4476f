/**
 * A server's process at work on a ledger until it is told to stop or is killed: `process.js PLACE TASK COUNT`.
 * What a viewer was given it tells its parent, as a server would its client.
 */
import { Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { openSqliteStore } from '../../../server/store/sqlite.js';
import { bob, grantId, hex, ledgerOn, sealId, startMs, viewIdAt } from './scene.js';

export type Told =
  | { readonly type: 'ready' | 'done' }
  /** The key would have been released. */
  | { readonly type: 'released'; readonly viewId: string; readonly used: number }
  | { readonly type: 'refused'; readonly reason: string };

const tell = (told: Told) => process.send?.(told);

const [place, callers] = process.argv.slice(2);
const store = await openSqliteStore({ directory: place! });
const ledger = ledgerOn(store, () => startMs);
process.on('disconnect', () => process.exit(0));

/** Views of new ids, one after the other, until none is left. */
async function view(): Promise<void> {
  for (;;) {
    const viewId = viewIdAt(startMs);
    try {
      const { used } = await ledger.spend(bob, { grantId, viewIds: [viewId], sealId });
      tell({ type: 'released', viewId: hex(viewId), used });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      tell({ type: 'refused', reason: Reason[error.reason] });
      return;
    }
  }
}

// Begins when its parent says so: all processes at once.
process.once('message', () => {
  void Promise.all(Array.from({ length: Number(callers) }, view)).then(() => tell({ type: 'done' }));
});
tell({ type: 'ready' });
