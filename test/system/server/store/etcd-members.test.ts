/** The engine over etcd while members of it are killed and stopped. */
import { randomUUID } from 'node:crypto';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { StoreUnavailable } from '../../../../server/store/store.js';
import type { Store } from '../../../../server/store/store.js';
import { keyOf, listAll, put, watching } from '../../../server/store/conformance/scene.js';
import { Etcd, isEtcdInstalled } from '../../../../demo/etcd.js';
import { skip } from '../../prerequisites.js';
import { openStore } from './etcd-engine.js';

/** The longest that no write at all is acknowledged while etcd elects: what the design promises. */
const gapMsMax = 2_000;

async function etcdOf(t: ExecutionContext): Promise<Etcd | undefined> {
  if (!isEtcdInstalled()) {
    skip(t, 'etcd is not installed', 'install Debian’s etcd-server');
    return undefined;
  }
  const etcd = await Etcd.start();
  t.teardown(() => etcd.remove());
  return etcd;
}

/** Writers that write numbered rows until they are told to stop, and note when each was acknowledged. */
class Load {
  readonly acknowledged = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #writers: Promise<void>[];
  #waiting: { readonly count: number; readonly wake: () => void } | undefined;

  constructor(stores: readonly Store[], writersOfEach: number) {
    this.#writers = stores.flatMap((store, of) =>
      Array.from({ length: writersOfEach }, (_, writer) => this.#write(store, `k/${of}/${writer}/`)),
    );
  }

  /** Resolves when so many more writes were acknowledged. */
  more(count: number): Promise<void> {
    return new Promise((wake) => (this.#waiting = { count: this.acknowledged.size + count, wake }));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#writers);
  }

  /** Between two writes that were acknowledged one after the other, by whichever writer. */
  longestGapMs(): number {
    const times = [...this.acknowledged.values()].sort((a, b) => a - b);
    return Math.max(...times.slice(1).map((time, index) => time - times[index]!));
  }

  async #write(store: Store, prefix: string): Promise<void> {
    for (let number = 0; !this.#stopping.signal.aborted; number++) {
      const key = `${prefix}${String(number).padStart(6, '0')}`;
      try {
        await store.transact([{ key, revision: 0 }], [put(key)]);
        this.acknowledged.set(key, performance.now());
        if (this.#waiting && this.acknowledged.size >= this.#waiting.count) this.#waiting.wake();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
    }
  }
}

test.serial(
  'etcd’s leader is killed under load: nothing acknowledged is lost, the gap is short',
  async (t) => {
    const etcd = await etcdOf(t);
    if (!etcd) return;
    const place = etcd.location(randomUUID());
    const stores = await Promise.all([1, 2, 3].map(() => openStore(place)));
    for (const store of stores) t.teardown(() => store.close());
    const lease = await stores[0]!.grantLease(5_000);
    await stores[0]!.transact([], [{ type: 'put', key: 'held', value: new Uint8Array(1), lease }]);
    const watch = watching(t, stores[1]!, 'k/');
    await watch.next();
    const load = new Load(stores, 8);
    await load.more(200);
    const leader = await etcd.leader();
    await etcd.kill(leader);
    await load.more(400);
    etcd.restart(leader);
    await load.more(200);
    await load.stop();

    const gapMs = load.longestGapMs();
    t.log(`${load.acknowledged.size} writes, longest gap ${gapMs.toFixed(0)} ms`);
    t.true(gapMs < gapMsMax, `nothing was acknowledged for ${gapMs.toFixed(0)} ms`);
    const stored = new Set((await listAll(stores[2]!, 'k/')).map(({ key }) => key));
    t.deepEqual(
      [...load.acknowledged.keys()].filter((key) => !stored.has(key)),
      [],
    );
    const seen = new Set<string>();
    while (seen.size < stored.size) {
      for (const change of await watch.next()) {
        t.false(seen.has(keyOf(change)), 'the watch tells each once, whichever member it is on');
        seen.add(keyOf(change));
      }
    }
    t.deepEqual([...seen].sort(), [...stored].sort());
    t.false(lease.lost.aborted, 'a lease outlives an election');
    t.not(await stores[2]!.get('held'), undefined);
  },
);

test.serial('a member that is stopped is left for another, by calls and by watches', async (t) => {
  const etcd = await etcdOf(t);
  if (!etcd) return;
  const place = etcd.location(randomUUID());
  const store = await openStore(place);
  t.teardown(() => store.close());
  const watch = watching(t, store, 'w/');
  await watch.next();
  // The first that was named is the one that is asked.
  etcd.signal(0, 'SIGSTOP');
  t.teardown(() => etcd.signal(0, 'SIGCONT'));
  const write = async (): Promise<void> => {
    for (;;) {
      try {
        await store.transact([], [put('w/1')]);
        return;
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
    }
  };
  await write();
  t.not(await store.get('w/1'), undefined);
  t.deepEqual((await watch.take(1)).map(keyOf), ['w/1']);
});

test.serial('without a majority there is no store; with it again there is', async (t) => {
  const etcd = await etcdOf(t);
  if (!etcd) return;
  const store = await openStore(etcd.location(randomUUID()));
  t.teardown(() => store.close());
  await store.transact([], [put('a')]);
  const watch = watching(t, store, 'a');
  await watch.next();
  await Promise.all([etcd.kill(0), etcd.kill(1)]);
  await t.throwsAsync(store.transact([], [put('a')]), { instanceOf: StoreUnavailable });
  await t.throwsAsync(store.get('a'), { instanceOf: StoreUnavailable });
  await t.throwsAsync(watch.take(1_000), { instanceOf: StoreUnavailable }, 'its follower is told');
  etcd.restart(0);
  await etcd.leader();
  t.not(await store.get('a'), undefined);
});
