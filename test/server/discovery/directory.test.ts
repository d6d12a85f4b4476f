import { create, toBinary } from '@bufbuild/protobuf';
import test from 'ava';
import { Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { SessionRecordSchema } from '../../../gen/glimpse/v1/records_pb.js';
import { Directory } from '../../../server/discovery/directory.js';
import type { NameListener, Standing } from '../../../server/discovery/directory.js';
import { DISCOVERY_LIMITS } from '../../../server/discovery/limits.js';
import type { Store } from '../../../server/store/store.js';
import { register, temporaryStore } from './fixture.js';

async function attendAs(store: Store, { name, fingerprint }: Standing): Promise<void> {
  const record = create(SessionRecordSchema, {
    sessionId: new Uint8Array(16).fill(7),
    server: 's1',
    address: '127.0.0.1:9',
    fingerprint,
  });
  await store.transact(
    [],
    [{ type: 'put', key: `session/${name}`, value: toBinary(SessionRecordSchema, record) }],
  );
}

/** Follows, and hands out the names it is told of one by one. */
function following(directory: Directory): { next: () => Promise<string>; end: () => Promise<void> } {
  const ending = new AbortController();
  const told: string[] = [];
  let wake: () => void = () => undefined;
  const listener: NameListener = (name) => {
    told.push(name);
    wake();
  };
  const ended = directory.follow(listener, ending.signal);
  return {
    next: async () => {
      while (told.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return told.shift()!;
    },
    end: () => {
      ending.abort();
      return ended;
    },
  };
}

test('a name stands for its current key and no other', async (t) => {
  const store = await temporaryStore(t);
  const directory = new Directory(store);
  const alice = await register(store, 'alice');
  t.deepEqual((await directory.standing('alice', alice.keys.signingKey))?.fingerprint, alice.fingerprint);
  t.is(await directory.standing('alice', new Uint8Array(32)), undefined);
  t.is(await directory.standing('nobody', alice.keys.signingKey), undefined);
});

test('a replaced key stops standing, and the new one stands at once, cached or not', async (t) => {
  const store = await temporaryStore(t);
  const directory = new Directory(store);
  const changes = following(directory);
  t.teardown(() => changes.end());
  const before = await register(store, 'alice');
  t.is(await changes.next(), 'alice');
  t.truthy(await directory.standing('alice', before.keys.signingKey));
  const after = await register(store, 'alice');
  t.truthy(await directory.standing('alice', after.keys.signingKey));
  t.is(await changes.next(), 'alice');
  t.is(await directory.standing('alice', before.keys.signingKey), undefined);
});

test('a caller whose key was replaced is told so; a server is no client', async (t) => {
  const store = await temporaryStore(t);
  const directory = new Directory(store);
  const { keys } = await register(store, 'alice');
  const { signingKey } = keys;
  t.is((await directory.caller({ role: 'client', name: 'alice', signingKey })).name, 'alice');
  await register(store, 'alice');
  const replaced = await t.throwsAsync(directory.caller({ role: 'client', name: 'alice', signingKey }), {
    instanceOf: Refused,
  });
  t.is(replaced.reason, Reason.KEY_REPLACED);
  const server = await t.throwsAsync(directory.caller({ role: 'server', name: 'alice', signingKey }), {
    instanceOf: Refused,
  });
  t.is(server.reason, Reason.WRONG_ROLE);
});

test('an entry is online while the name attends with its current key', async (t) => {
  const store = await temporaryStore(t);
  const directory = new Directory(store);
  t.is(await directory.entry('alice'), undefined);
  const alice = await register(store, 'alice');
  t.false((await directory.entry('alice'))?.online);
  await attendAs(store, alice);
  const online = await directory.entry('alice');
  t.true(online?.online);
  t.is(online?.address, '127.0.0.1:9');
  t.deepEqual(new Uint8Array(online!.keys!.signingKey), alice.keys.signingKey);
  await register(store, 'alice');
  const replaced = await directory.entry('alice');
  t.false(replaced?.online);
  t.is(replaced?.address, '');
  t.is(replaced?.sessionId.length, 0);
});

test('names are listed page by page, in order, each once', async (t) => {
  const store = await temporaryStore(t);
  const directory = new Directory(store);
  const count = DISCOVERY_LIMITS.pageEntries + 7;
  const names = Array.from({ length: count }, (_, index) => `n${String(index).padStart(4, '0')}`);
  const standings = await Promise.all(names.map((name) => register(store, name)));
  const online = standings.filter((_, index) => index % 3 === 0);
  await Promise.all(online.map((standing) => attendAs(store, standing)));

  const listed = async (onlineOnly: boolean): Promise<string[]> => {
    const all: string[] = [];
    for (let more = true; more;) {
      const page = await directory.page(all.at(-1) ?? '', onlineOnly);
      t.true(page.entries.length <= DISCOVERY_LIMITS.pageEntries);
      all.push(...page.entries.map((entry) => entry.name));
      ({ more } = page);
    }
    return all;
  };
  t.deepEqual(await listed(false), names);
  t.deepEqual(
    await listed(true),
    online.map(({ name }) => name),
  );
  const { entries } = await directory.page('', false);
  t.deepEqual(
    entries.map((entry) => entry.online),
    names.slice(0, DISCOVERY_LIMITS.pageEntries).map((_, index) => index % 3 === 0),
  );
});

test('leaving frees the name and ends its presence; only its own key may', async (t) => {
  const store = await temporaryStore(t);
  const directory = new Directory(store);
  const alice = await register(store, 'alice');
  await attendAs(store, alice);
  const refused = await t.throwsAsync(directory.leave('alice', new Uint8Array(32)), { instanceOf: Refused });
  t.is(refused.reason, Reason.KEY_REPLACED);
  t.true((await directory.entry('alice'))?.online);
  await directory.leave('alice', alice.keys.signingKey);
  t.is(await directory.entry('alice'), undefined);
  t.is(await store.get('session/alice'), undefined);
  const again = await t.throwsAsync(directory.leave('alice', alice.keys.signingKey), { instanceOf: Refused });
  t.is(again.reason, Reason.KEY_REPLACED);
});
