/** Processes of their own, which race, are stopped and are killed. */
import { on } from 'node:events';
import type { SerialFn } from 'ava';
import fc from 'fast-check';
import type { Change } from '../../../../server/store/store.js';
import type { Told } from './process.js';
import { brief, hear, keyOf, kill, leaseMs, listAll, revisionOf, text, watching } from './scene.js';
import type { Scene } from './scene.js';

export function processes(test: SerialFn, { inPlace, openedAt, start }: Scene): void {
  test('no write is lost between processes that race by compare-and-swap', async (t) => {
    const place = await inPlace(t);
    const store = await openedAt(t, place);
    const children = await Promise.all([1, 2, 3].map(() => start(t, place, 'count', 'counter', '40')));
    await Promise.all(children.map((child) => hear(child, 'done')));
    t.is(text((await store.get('counter'))!.value), '120');
  });

  test('a watch sees what other processes write, in order and without a gap', async (t) => {
    const place = await inPlace(t);
    const store = await openedAt(t, place);
    const watch = watching(t, store, 'w/');
    await watch.next();
    const children = await Promise.all(
      ['w/a/', 'w/b/'].map((prefix) => start(t, place, 'write', prefix, '2')),
    );
    const seen: Change[] = [];
    while (seen.length < 600) seen.push(...(await watch.next()));
    for (const child of children) kill(child);
    for (const prefix of ['w/a/', 'w/b/']) {
      const numbers = seen.filter((change) => keyOf(change).startsWith(prefix)).map(keyOf);
      t.is(new Set(numbers).size, numbers.length, 'each once');
    }
    const revisions = seen.map(revisionOf);
    t.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
      'in order',
    );
    const last = revisions.at(-1)!;
    const stored = (await listAll(store, 'w/')).filter(({ revision }) => revision <= last);
    t.deepEqual(
      seen.map(keyOf).toSorted(),
      stored.map(({ key }) => key),
      'none left out',
    );
  });

  test('a lease is kept while its process lives and ends when it is killed', async (t) => {
    const place = await inPlace(t);
    const store = await openedAt(t, place);
    const watch = watching(t, store, 'l/');
    const [short, long] = await Promise.all(
      ['l/short', 'l/long'].map((key) => start(t, place, 'hold', key, String(leaseMs))),
    );
    t.deepEqual((await watch.take(2)).map(brief).toSorted(), ['put l/long', 'put l/short']);
    kill(short!);
    t.deepEqual((await watch.take(1)).map(brief), ['delete l/short']);
    // The other has been renewed several times by now, and is there until it is killed too.
    t.not(await store.get('l/long'), undefined);
    kill(long!);
    t.deepEqual((await watch.take(1)).map(brief), ['delete l/long']);
  });

  test('a process that was stopped for too long is told that its lease is lost', async (t) => {
    const place = await inPlace(t);
    const store = await openedAt(t, place);
    const watch = watching(t, store, 'l/');
    const child = await start(t, place, 'hold', 'l/1', String(leaseMs));
    // Stopped before it has its answer, it would find out first that none came in time, and end.
    const done = hear(child, 'done');
    t.deepEqual((await watch.take(1)).map(brief), ['put l/1']);
    await done;
    child.kill('SIGSTOP');
    t.deepEqual((await watch.take(1)).map(brief), ['delete l/1']);
    const lost = hear(child, 'lost');
    child.kill('SIGCONT');
    await t.notThrowsAsync(lost);
  });

  test('a process killed while it writes leaves whole transactions, and all that were acknowledged', async (t) => {
    const rows = 5;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 150 }), async (acknowledged) => {
        const place = await inPlace(t);
        const child = await start(t, place, 'write', 'k/', String(rows));
        const written = new Set<number>();
        for await (const [told] of on(child, 'message', { close: ['exit'] }) as AsyncIterable<[Told]>) {
          if (told.type === 'written') written.add(told.number);
          if (written.size === acknowledged) kill(child);
        }
        const store = await openedAt(t, place);
        const found = new Map<number, number>();
        for (const { key } of await listAll(store, 'k/')) {
          const number = Number(key.split('/')[1]);
          found.set(number, (found.get(number) ?? 0) + 1);
        }
        t.deepEqual(
          [...written].filter((number) => !found.has(number)),
          [],
        );
        t.deepEqual(
          [...found].filter(([, count]) => count !== rows),
          [],
        );
      }),
      { numRuns: 6 },
    );
  });
}
