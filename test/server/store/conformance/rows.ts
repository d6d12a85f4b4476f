/** Rows: transactions, lists, limits. */
import type { SerialFn } from 'ava';
import fc from 'fast-check';
import { STORE_LIMITS, StoreUnavailable } from '../../../../server/store/store.js';
import type { Store, Write } from '../../../../server/store/store.js';
import { put, text, watching } from './scene.js';
import type { Scene } from './scene.js';

export function rows(test: SerialFn, { engine, inPlace, openedAt, opened }: Scene): void {
  test('a row is read as it was written, at the revision of its transaction', async (t) => {
    const store = await opened(t);
    t.is(await store.get('a'), undefined);
    const first = await store.transact([], [put('a', 'one'), put('b', '')]);
    t.true(first.ok);
    const row = await store.get('a');
    t.deepEqual(
      { ...row!, value: text(row!.value) },
      {
        key: 'a',
        value: 'one',
        revision: first.ok ? first.revision : -1,
      },
    );
    t.is((await store.get('b'))!.value.length, 0);
    const second = await store.transact([], [put('a', 'two')]);
    t.true(first.ok && second.ok && second.revision > first.revision);
    t.is((await store.get('b'))!.revision, row!.revision, 'other rows keep their revision');
  });

  test('rows that are read together are of one moment', async (t) => {
    const place = await inPlace(t);
    const [writer, reader] = await Promise.all([openedAt(t, place), openedAt(t, place)]);
    t.deepEqual(await reader.getAll([]), []);
    const agree = async () => {
      const [one, none, other] = await reader.getAll(['a', 'c', 'b']);
      t.is(none, undefined);
      t.is(one && text(one.value), other && text(other.value));
      t.is(one?.revision, other?.revision);
    };
    for (let at = 0; at < 40; at++) {
      const writing = writer.transact([], [put('a', String(at)), put('b', String(at))]);
      await Promise.all(Array.from({ length: 4 }, agree));
      await writing;
    }
    await agree();
    t.is(text((await reader.get('b'))!.value), '39');
  });

  test('all compares hold and all writes are done, or nothing', async (t) => {
    const store = await opened(t);
    await store.transact([], [put('a')]);
    const { revision } = (await store.get('a'))!;
    const refused = await store.transact(
      [
        { key: 'a', revision },
        { key: 'b', revision: 7 },
      ],
      [put('a', 'new'), put('c')],
    );
    t.deepEqual(refused, { ok: false });
    t.is(text((await store.get('a'))!.value), 'x');
    t.is(await store.get('c'), undefined);
    const done = await store.transact(
      [
        { key: 'a', revision },
        { key: 'b', revision: 0 },
      ],
      [{ type: 'delete', key: 'a' }, put('b'), put('c')],
    );
    t.true(done.ok);
    t.is(await store.get('a'), undefined);
    t.deepEqual(
      (await store.list({ prefix: '' })).map(({ key }) => key),
      ['b', 'c'],
    );
  });

  test('of transactions that race on one row in one moment, one wins', async (t) => {
    const place = await inPlace(t);
    const stores = await Promise.all([openedAt(t, place), openedAt(t, place)]);
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        stores[index % 2]!.transact([{ key: 'a', revision: 0 }], [put('a', String(index))]),
      ),
    );
    t.is(results.filter(({ ok }) => ok).length, 1);
    const winner = results.findIndex(({ ok }) => ok);
    t.is(text((await stores[0].get('a'))!.value), String(winner));
  });

  test('a prefix is listed in byte order, a page at a time', async (t) => {
    const store = await opened(t);
    const keys = ['a', 'a!', 'a/', 'a/1', 'a/10', 'a/2', 'a/B', 'a/b', 'a/~', 'a0', 'b'];
    await store.transact(
      [],
      [...keys].reverse().map((key) => put(key)),
    );
    const below = keys.filter((key) => key.startsWith('a/'));
    const list = async (range: Parameters<Store['list']>[0]) =>
      (await store.list(range)).map(({ key }) => key);
    t.deepEqual(await list({ prefix: 'a/' }), below);
    t.deepEqual(await list({ prefix: 'a/', limit: 2 }), below.slice(0, 2));
    t.deepEqual(await list({ prefix: 'a/', after: 'a/10', limit: 2 }), ['a/2', 'a/B']);
    t.deepEqual(await list({ prefix: 'a/', after: 'a/~' }), []);
    t.deepEqual(await list({ prefix: 'a/', after: 'a' }), below, 'after may lie before the prefix');
    t.deepEqual(await list({ prefix: 'a/', after: 'b' }), [], 'or behind it');
    t.deepEqual(await list({ prefix: 'none/' }), []);
    t.deepEqual(await list({ prefix: '' }), keys);
  });

  test('it behaves like a sorted map', async (t) => {
    const key = fc.constantFrom('a', 'a/1', 'a/2', 'a/2/x', 'b', 'b/1');
    const step = fc.record({
      compares: fc.uniqueArray(fc.record({ key, stale: fc.boolean() }), {
        maxLength: 2,
        selector: (c) => c.key,
      }),
      writes: fc.uniqueArray(fc.record({ key, value: fc.option(fc.string({ maxLength: 3 })) }), {
        maxLength: 4,
        selector: (write) => write.key,
      }),
    });
    const store = await opened(t);
    const model = new Map<string, { value: string; revision: number }>();
    let last = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        for (const { compares, writes } of steps) {
          const result = await store.transact(
            compares.map(({ key, stale }) => ({
              key,
              revision: (model.get(key)?.revision ?? 0) + (stale ? 1 : 0),
            })),
            writes.map(({ key, value }) => (value === null ? { type: 'delete', key } : put(key, value))),
          );
          if (result.ok !== compares.every(({ stale }) => !stale)) return false;
          if (!result.ok) continue;
          const changes = writes.some(({ key, value }) => value !== null || model.has(key));
          if (changes ? result.revision <= last : result.revision < last) return false;
          last = result.revision;
          for (const { key, value } of writes) {
            if (value === null) model.delete(key);
            else model.set(key, { value, revision: result.revision });
          }
        }
        const rows = await store.list({ prefix: '' });
        const seen = rows.map(({ key, value, revision }) => [key, { value: text(value), revision }]);
        return t.deepEqual(
          seen,
          [...model].sort(([a], [b]) => (a < b ? -1 : 1)),
        );
      }),
      { numRuns: 40 },
    );
  });

  test('limits are enforced, and what is just within them is stored', async (t) => {
    const store = await opened(t);
    const { keyBytesMax, valueBytesMax, transactionOperationsMax, transactionBytesMax, listRowsMax } =
      STORE_LIMITS;
    const value = new Uint8Array(valueBytesMax).fill(7);
    const key = 'k'.repeat(keyBytesMax);
    t.true((await store.transact([], [{ type: 'put', key, value }])).ok);
    t.deepEqual((await store.get(key))!.value.length, valueBytesMax);
    const many = Array.from({ length: transactionOperationsMax }, (_, index) => put(`m/${index}`));
    t.true((await store.transact([], many)).ok);

    const refused = (call: Promise<unknown>) => t.throwsAsync(call, { instanceOf: RangeError });
    for (const bad of ['', 'a b', 'ä', 'a\n', '\u007f', 'k'.repeat(keyBytesMax + 1)]) {
      await refused(store.get(bad));
      await refused(store.transact([], [put(bad)]));
      await refused(store.transact([{ key: bad, revision: 0 }], []));
      if (bad !== '') await refused(store.list({ prefix: bad }));
    }
    await refused(store.transact([], [{ type: 'put', key: 'a', value: new Uint8Array(valueBytesMax + 1) }]));
    await refused(store.transact([], [...many, put('more')]));
    await refused(store.transact([{ key: 'a', revision: 0 }], many));
    await refused(store.transact([], [put('a'), { type: 'delete', key: 'a' }]));
    const heavy = Array.from({ length: transactionBytesMax / valueBytesMax }, (_, index): Write => ({
      type: 'put',
      key: `h/${index}`,
      value,
    }));
    await refused(store.transact([], heavy));
    await refused(store.list({ prefix: '', limit: listRowsMax + 1 }));
    await refused(store.list({ prefix: '', limit: 0 }));
    await refused(store.grantLease(0));
    t.throws(() => store.watch('a b', { signal: AbortSignal.abort() }), { instanceOf: RangeError });
    t.is(await store.get('a'), undefined);
  });

  test('a list without a limit ends at the limit of all lists', async (t) => {
    const store = await opened(t);
    const total = STORE_LIMITS.listRowsMax + 1;
    const keys = Array.from({ length: total }, (_, index) => `r/${String(index).padStart(6, '0')}`);
    for (let at = 0; at < total; at += STORE_LIMITS.transactionOperationsMax) {
      await store.transact(
        [],
        keys.slice(at, at + STORE_LIMITS.transactionOperationsMax).map((key) => put(key)),
      );
    }
    const page = await store.list({ prefix: 'r/' });
    t.deepEqual(
      page.map(({ key }) => key),
      keys.slice(0, -1),
    );
    t.deepEqual(
      (await store.list({ prefix: 'r/', after: page.at(-1)!.key })).map(({ key }) => key),
      keys.slice(-1),
    );
  });

  test('a closed store answers nothing more', async (t) => {
    const store = await opened(t);
    const watch = watching(t, store, 'w/');
    await watch.next();
    const waiting = watch.next();
    await store.close();
    await t.throwsAsync(waiting, { instanceOf: StoreUnavailable });
    await t.throwsAsync(store.get('a'), { instanceOf: StoreUnavailable });
    await t.throwsAsync(store.transact([], [put('a')]), { instanceOf: StoreUnavailable });
    await t.notThrowsAsync(store.close());
  });

  test('what was written is there when the store is opened again', async (t) => {
    const place = await inPlace(t);
    const store = await engine.openStore(place);
    await store.transact([], [put('a', 'kept')]);
    const { revision } = (await store.get('a'))!;
    await store.close();
    const again = await openedAt(t, place);
    t.is(text((await again.get('a'))!.value), 'kept');
    const next = await again.transact([{ key: 'a', revision }], [put('a')]);
    t.true(next.ok && next.revision > revision);
  });
}
