/** The embedded store on a disk that is full, or that became read-only: small file systems, so only for root. */
import test from 'ava';
import { openSqliteStore } from '../../../../server/store/sqlite.js';
import { StoreUnavailable } from '../../../../server/store/store.js';
import type { Store } from '../../../../server/store/store.js';
import { mount, smallDisk } from '../../prerequisites.js';

const put = (store: Store, number: number) =>
  store.transact([], [{ type: 'put', key: `k/${number}`, value: new Uint8Array(4_000).fill(number) }]);

async function fill(store: Store): Promise<{ written: number; error: unknown }> {
  for (let written = 0; ; written++) {
    try {
      await put(store, written);
    } catch (error) {
      return { written, error };
    }
  }
}

test('a full disk stops writes and says so; what was acknowledged is there, and room brings all back', async (t) => {
  const disk = await smallDisk(t, '3m');
  if (disk === undefined) return;
  const store = await openSqliteStore({ directory: disk });
  t.teardown(() => store.close());
  const { written, error } = await fill(store);
  t.true(error instanceof StoreUnavailable);
  t.regex((error as Error).message, /the disk is full: free space in/);
  t.true(written > 0);
  for (let number = 0; number < written; number++) {
    const row = await store.get(`k/${number}`);
    t.deepEqual(row!.value, new Uint8Array(4_000).fill(number));
  }
  mount('-o', 'remount,size=16m', disk);
  t.true((await put(store, written)).ok);
});

test('a full disk cannot be opened on, and nothing else is said than why', async (t) => {
  const disk = await smallDisk(t, '16k');
  if (disk === undefined) return;
  const error = await t.throwsAsync(openSqliteStore({ directory: disk }), { instanceOf: StoreUnavailable });
  t.regex(error.message, /the disk is full: free space in/);
});

test('a disk that became read-only stops writes and says so', async (t) => {
  const disk = await smallDisk(t, '16m');
  if (disk === undefined) return;
  const store = await openSqliteStore({ directory: disk });
  await put(store, 1);
  await store.close();
  mount('-o', 'remount,ro', disk);
  const error = await t.throwsAsync(openSqliteStore({ directory: disk }), { instanceOf: StoreUnavailable });
  t.regex(error.message, /cannot be written .*mounted for writing/);
  mount('-o', 'remount,rw', disk);
  const again = await openSqliteStore({ directory: disk });
  t.teardown(() => again.close());
  t.not(await again.get('k/1'), undefined);
  t.true((await put(again, 2)).ok);
});
