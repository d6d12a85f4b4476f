/** Watches within one process. */
import type { SerialFn } from 'ava';
import { StoreUnavailable } from '../../../../server/store/store.js';
import type { Change } from '../../../../server/store/store.js';
import { brief, keyOf, put, revisionOf, watching } from './scene.js';
import type { Scene } from './scene.js';

export function watches(test: SerialFn, { opened }: Scene): void {
  test('a watch begins with an empty item and then has every change, whole transactions at a time', async (t) => {
    const store = await opened(t);
    await store.transact([], [put('w/old')]);
    const watch = watching(t, store, 'w/');
    t.deepEqual(await watch.next(), []);
    await store.transact([], [put('w/1'), put('other'), put('w/2')]);
    await store.transact([], [put('other')]);
    const last = await store.transact(
      [],
      [
        { type: 'delete', key: 'w/1' },
        { type: 'delete', key: 'w/none' },
      ],
    );
    const changes = await watch.take(3);
    t.deepEqual(changes.map(brief), ['put w/1', 'put w/2', 'delete w/1']);
    t.is(revisionOf(changes[0]!), revisionOf(changes[1]!));
    t.is(revisionOf(changes[2]!), last.ok ? last.revision : -1);
  });

  test('what is written quietly is there, and may be left out of what watches are told', async (t) => {
    const store = await opened(t);
    const watch = watching(t, store, 'w/');
    t.deepEqual(await watch.next(), []);
    for (let at = 0; at < 600; at += 1) await store.transact([], [{ ...put('w/quiet'), quiet: true }]);
    await store.transact([], [put('w/told'), { ...put('w/quiet'), quiet: true }]);
    const told: string[] = [];
    while (!told.includes('put w/told')) told.push(...(await watch.next()).map(brief));
    t.deepEqual(
      told.filter((one) => one !== 'put w/quiet'),
      ['put w/told'],
    );
    t.truthy(await store.get('w/quiet'));
    await store.transact([], [{ type: 'delete', key: 'w/quiet', quiet: true }]);
    t.is(await store.get('w/quiet'), undefined);
  });

  test('what a list after the call of watch does not see, the watch will', async (t) => {
    const store = await opened(t);
    for (let round = 0; round < 20; round++) {
      const prefix = `w/${round}/`;
      const before = store.transact([], [put(`${prefix}before`)]);
      const watch = watching(t, store, prefix);
      const listed = await store.list({ prefix });
      await before;
      await store.transact([], [put(`${prefix}after`)]);
      const seen = new Set(listed.map(({ key }) => key));
      while (!seen.has(`${prefix}after`)) for (const change of await watch.next()) seen.add(keyOf(change));
      t.true(seen.has(`${prefix}before`));
    }
  });

  test('a watch goes on from a revision, and says so when it cannot', async (t) => {
    const store = await opened(t);
    const first = await store.transact([], [put('w/1')]);
    await store.transact([], [put('w/2')]);
    await store.transact([], [put('w/3')]);
    t.true(first.ok);
    const from = first.ok ? first.revision : 0;
    const watch = watching(t, store, 'w/', from);
    t.deepEqual((await watch.take(2)).map(brief), ['put w/2', 'put w/3']);
    const beyond = watching(t, store, 'w/', from + 1000);
    t.deepEqual(await beyond.next(), []);
    await t.throwsAsync(beyond.next(), { instanceOf: StoreUnavailable });
  });

  test('an aborted watch ends, also while it waits', async (t) => {
    const store = await opened(t);
    const controller = new AbortController();
    const items: (readonly Change[])[] = [];
    for await (const item of store.watch('w/', { signal: controller.signal })) {
      items.push(item);
      queueMicrotask(() => controller.abort());
    }
    t.deepEqual(items, [[]]);
    for await (const _ of store.watch('w/', { signal: AbortSignal.abort() })) t.fail();
  });
}
