/** Leases within one process. */
import type { SerialFn } from 'ava';
import { StoreUnavailable } from '../../../../server/store/store.js';
import type { Write } from '../../../../server/store/store.js';
import { brief, bytes, put, watching } from './scene.js';
import type { Scene } from './scene.js';

export function leases(test: SerialFn, { opened }: Scene): void {
  test('a revoked lease takes its rows along, but not those written again without it', async (t) => {
    const store = await opened(t);
    const lease = await store.grantLease(60_000);
    const other = await store.grantLease(60_000);
    const held = (key: string, of = lease): Write => ({ type: 'put', key, value: bytes('x'), lease: of });
    await store.transact([], [held('l/1'), held('l/2'), held('l/3'), held('l/4', other)]);
    await store.transact([], [put('l/2'), held('l/3', other)]);
    const watch = watching(t, store, 'l/');
    await watch.next();
    await lease.revoke();
    t.true(lease.lost.aborted);
    t.deepEqual((await watch.take(1)).map(brief), ['delete l/1']);
    t.deepEqual(
      (await store.list({ prefix: 'l/' })).map(({ key }) => key),
      ['l/2', 'l/3', 'l/4'],
    );
    await t.throwsAsync(store.transact([], [put('l/5'), held('l/6')]), { instanceOf: StoreUnavailable });
    t.is(await store.get('l/5'), undefined);
    t.false(other.lost.aborted);
  });
}
