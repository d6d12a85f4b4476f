/**
 * A process that uses a store until it is told to stop or is killed: `process.js ENGINE PLACE TASK...`. What it
 * has done it tells its parent, after the store acknowledged it.
 */
import type { Store } from '../../../../server/store/store.js';

/** What a process tells. */
export type Told =
  | { readonly type: 'ready' }
  | { readonly type: 'done' }
  | { readonly type: 'written'; readonly number: number }
  | { readonly type: 'lost' };

const tell = (told: Told) => process.send?.(told);
const bytes = (text: string) => new TextEncoder().encode(text);

const tasks = {
  /** Adds one to a counter, so many times, by compare-and-swap. */
  async count(store: Store, key: string, times: string) {
    for (let done = 0; done < Number(times);) {
      const row = await store.get(key);
      const count = row ? Number(new TextDecoder().decode(row.value)) : 0;
      const result = await store.transact(
        [{ key, revision: row?.revision ?? 0 }],
        [{ type: 'put', key, value: bytes(String(count + 1)) }],
      );
      if (result.ok) done++;
    }
    tell({ type: 'done' });
  },

  /** Writes numbered transactions of several rows, several at once, until it is killed. */
  async write(store: Store, prefix: string, rows: string) {
    let next = 0;
    const writeOn = async () => {
      for (;;) {
        const number = next++;
        const key = (row: number) => `${prefix}${String(number).padStart(8, '0')}/${row}`;
        await store.transact(
          [],
          Array.from({ length: Number(rows) }, (_, row) => ({
            type: 'put',
            key: key(row),
            value: bytes('x'),
          })),
        );
        tell({ type: 'written', number });
      }
    };
    await Promise.all(Array.from({ length: 8 }, writeOn));
  },

  /** Puts a row that hangs on a lease and keeps it until it is killed. */
  async hold(store: Store, key: string, ttlMs: string) {
    const lease = await store.grantLease(Number(ttlMs));
    lease.lost.addEventListener('abort', () => tell({ type: 'lost' }));
    await store.transact([], [{ type: 'put', key, value: bytes('held'), lease }]);
    tell({ type: 'done' });
  },
};

const [engine, place, task, ...given] = process.argv.slice(2);
const { openStore } = (await import(engine!)) as { openStore: (place: string) => Promise<Store> };
const store = await openStore(place!);
// The channel keeps the process alive, and its end ends it.
process.on('message', () => undefined);
process.on('disconnect', () => process.exit(0));
tell({ type: 'ready' });
await tasks[task as keyof typeof tasks](store, given[0]!, given[1]!);
