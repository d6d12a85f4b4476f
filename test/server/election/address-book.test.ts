import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import { enter, followBook, listMembers, signOff } from '../../../server/election/address-book.js';
import { openSqliteStore } from '../../../server/store/sqlite.js';
import type { Store } from '../../../server/store/store.js';

const entry = (id: string) => ({ id, address: `${id}:7000`, enrolmentAddress: `${id}:7001` });

async function openStore(t: ExecutionContext): Promise<Store> {
  const directory = await mkdtemp(path.join(tmpdir(), 'glimpse-book-'));
  const store = await openSqliteStore({ directory });
  t.teardown(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });
  return store;
}

test('each life of a server has a higher incarnation, leaving or not', async (t) => {
  const store = await openStore(t);
  t.is(await enter(store, entry('a')), 1);
  t.is(await enter(store, entry('a')), 2);
  await signOff(store, entry('a'));
  t.is((await listMembers(store))[0]?.member?.state, MemberState.LEFT);
  t.is(await enter(store, entry('a')), 3);
});

test('two lives that begin at once differ', async (t) => {
  const store = await openStore(t);
  const lives = await Promise.all([1, 2, 3, 4].map(() => enter(store, entry('a'))));
  t.deepEqual([...lives].sort(), [1, 2, 3, 4]);
});

test('who follows the book learns who is in it, who comes, and who was struck out', async (t) => {
  const store = await openStore(t);
  await enter(store, entry('a'));
  const ending = new AbortController();
  const heard: string[] = [];
  let told: (() => void) | undefined;
  const tell = (what: string) => {
    heard.push(what);
    told?.();
  };
  const hears = async (what: string): Promise<void> => {
    while (!heard.includes(what)) await new Promise<void>((resolve) => (told = resolve));
  };
  const following = followBook(
    store,
    {
      learned: (members) => members.forEach(({ id, incarnation }) => tell(`${id} ${incarnation}`)),
      struck: (id) => tell(`no ${id}`),
      storeReachable: (reachable) => tell(reachable ? 'reachable' : 'lost'),
    },
    ending.signal,
  );
  await hears('reachable');
  t.deepEqual(heard, ['a 1', 'reachable']);
  await enter(store, entry('b'));
  await hears('b 1');
  await store.transact([], [{ type: 'delete', key: 'member/a' }]);
  await hears('no a');
  ending.abort();
  await following;
  t.false(heard.includes('lost'));
});
