/** What watches of one process share: they wait at one place in the log, and it is read once for all of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Connection } from '../../../../server/store/sqlite/connection.js';
import { Engine } from '../../../../server/store/sqlite/engine.js';
import type { Command } from '../../../../server/store/sqlite/engine.js';
import type { Reads } from '../../../../server/store/sqlite/reads.js';
import { Watches } from '../../../../server/store/sqlite/watches.js';
import { StoreUnavailable } from '../../../../server/store/store.js';
import type { Change } from '../../../../server/store/store.js';
import { brief, bytes, watching as watchingStore } from '../conformance/scene.js';

/** What is due runs. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class ObservedConnection extends Connection {
  /** Pages of changes that were read. */
  pages = 0;
  /** So many reads that come next fail. */
  failures = 0;

  override readAtOnce<T>(ask: (reads: Reads) => T): T {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new StoreUnavailable('the disk fails');
    }
    const answer = super.readAtOnce(ask);
    if (typeof answer === 'object' && answer !== null && 'gap' in answer) this.pages += 1;
    return answer;
  }
}

async function opened(t: ExecutionContext) {
  const folder = await mkdtemp(path.join(tmpdir(), 'glimpse-watches-'));
  const file = path.join(folder, 'store.sqlite');
  const engine = new Engine(file);
  const connection = new ObservedConnection(file);
  const watches = new Watches(connection);
  t.teardown(async () => {
    await connection.close();
    watches.close();
    engine.close();
    await rm(folder, { recursive: true });
  });
  const store = {
    watch: (prefix: string, { signal }: { readonly signal: AbortSignal }) =>
      watches.watch(prefix, signal, undefined),
  };
  /** As this process's own commit does, or another's that is seen when it is looked for. */
  const commit = (commands: readonly Command[], isOwn = true) => {
    const { head } = engine.commit(commands);
    if (isOwn) watches.moved(head);
  };
  /** Of a watch that has begun. */
  const watching = async (prefix: string) => {
    const watch = watchingStore(t, store, prefix);
    t.deepEqual(await watch.next(), []);
    return watch;
  };
  return { engine, connection, commit, watching };
}

const put = (keys: readonly string[], quiet = false): Command => ({
  type: 'transact',
  compares: [],
  writes: keys.map((key) => ({ type: 'put', key, value: bytes('x'), lease: null, quiet })),
});

const puts = (count: number, prefix: string): Command[] =>
  Array.from({ length: count }, (_, at) => put([`${prefix}${at}`]));

test('a commit is read once for all that wait, and wakes only those whose prefix it is below', async (t) => {
  const { connection, commit, watching } = await opened(t);
  const a = await watching('a/');
  const b = await watching('b/');
  const waiting = [a.next(), b.next()] as const;
  connection.pages = 0;
  commit(puts(1, 'c/'));
  commit(puts(1, 'b/'));
  t.deepEqual((await waiting[1]).map(brief), ['put b/0']);
  const again = b.next();
  t.is(await Promise.race([waiting[0], again, Promise.resolve('they wait')]), 'they wait');
  t.is(connection.pages, 2);
  commit([put(['a/1', 'b/1', 'a/2'])]);
  t.deepEqual((await waiting[0]).map(brief), ['put a/1', 'put a/2']);
  t.deepEqual((await again).map(brief), ['put b/1']);
  t.is(connection.pages, 3);
});

test('who waits stays with the log, however much is written below other prefixes', async (t) => {
  const { engine, commit, watching } = await opened(t);
  const begun = engine.head();
  const watch = await watching('w/');
  const waiting = watch.next();
  for (let written = 0; written < 22_000; written += 250) commit(puts(250, 'other/'));
  t.deepEqual(engine.changes('', begun), { gap: true });
  commit(puts(1, 'w/'));
  t.deepEqual((await waiting).map(brief), ['put w/0']);
});

test('who waits hears of what stands behind more than one page', async (t) => {
  const { connection, commit, watching } = await opened(t);
  const first = await watching('first/');
  const last = await watching('last/');
  const waiting = [first.next(), last.next()] as const;
  connection.pages = 0;
  commit([...puts(1, 'first/'), ...puts(1_200, 'other/'), ...puts(2, 'last/')]);
  t.deepEqual((await waiting[0]).map(brief), ['put first/0']);
  t.deepEqual((await waiting[1]).map(brief), ['put last/0', 'put last/1']);
  t.is(connection.pages, 3);
});

test('who waited too long to be looked after is told of the gap, as is who came back too late', async (t) => {
  const { commit, watching } = await opened(t);
  const waits = await watching('w/');
  const slow = await watching('w/');
  const waiting = waits.next();
  for (let written = 0; written < 22_000; written += 250) commit(puts(250, 'other/'), false);
  await t.throwsAsync(waiting, { instanceOf: StoreUnavailable, message: /no longer known/ });
  await t.throwsAsync(slow.next(), { instanceOf: StoreUnavailable, message: /no longer known/ });
});

test('a read for all that fails leaves each to read for itself, and to hear why it cannot', async (t) => {
  const { connection, commit, watching } = await opened(t);
  const watch = await watching('w/');
  const other = await watching('v/');
  const waiting = other.next();
  const spared = watch.next();
  connection.failures = 1;
  commit(puts(1, 'w/'));
  t.deepEqual((await spared).map(brief), ['put w/0']);
  const refused = watch.next();
  connection.failures = Infinity;
  await t.throwsAsync(refused, { instanceOf: StoreUnavailable, message: /disk fails/ });
  await t.throwsAsync(waiting, { instanceOf: StoreUnavailable, message: /disk fails/ });
});

const followed = ['', 'a/', 'a/b/', 'c/'];
const written = ['a/', 'a/b/', 'c/', 'd/'];

const below = (prefix: string) => (change: string) => change.startsWith(`put ${prefix}`);

/** Reads on when it is told to, and keeps what it was told. */
function readerOf(prefix: string, watch: { readonly next: () => Promise<readonly Change[]> }) {
  const seen: string[] = [];
  let reading: Promise<void> | undefined;
  const next = () =>
    (reading ??= watch.next().then((changes) => {
      seen.push(...changes.map(brief));
      reading = undefined;
    }));
  const until = async (last: string) => {
    while (seen.at(-1) !== last) await next();
  };
  return { prefix, seen, next, until };
}

const step = fc.oneof(
  fc.record({
    type: fc.constant('commit' as const),
    prefixes: fc.uniqueArray(fc.constantFrom(...written), { minLength: 1 }),
    isQuiet: fc.boolean(),
    isOwn: fc.boolean(),
    times: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.constant(600)),
  }),
  fc.record({ type: fc.constant('next' as const), reader: fc.nat(followed.length - 1) }),
  fc.record({ type: fc.constant('turn' as const) }),
);

test('readers that wait, and readers that are slow, miss nothing and hear nothing twice', async (t) => {
  const { commit, watching } = await opened(t);
  let keys = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const told: string[] = [];
      const write = (prefixes: readonly string[], isQuiet: boolean) => {
        const next = prefixes.map((prefix) => `${prefix}${keys++}`);
        if (!isQuiet) told.push(...next.map((key) => `put ${key}`));
        return put(next, isQuiet);
      };
      const readers = await Promise.all(
        followed.map(async (prefix) => readerOf(prefix, await watching(prefix))),
      );
      for (const one of steps) {
        if (one.type === 'next') void readers[one.reader]!.next();
        else if (one.type === 'turn') await turn();
        else
          commit(
            Array.from({ length: one.times }, () => write(one.prefixes, one.isQuiet)),
            one.isOwn,
          );
      }
      commit([write(written, false)]);
      for (const reader of readers) await reader.until(told.findLast(below(reader.prefix))!);
      for (const { prefix, seen } of readers) t.deepEqual(seen, told.filter(below(prefix)));
    }),
    { numRuns: 60 },
  );
});
