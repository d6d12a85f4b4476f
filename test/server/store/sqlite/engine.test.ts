/** What cannot be seen through the Store: the log of changes is trimmed, and leases follow the machine's clock. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Engine } from '../../../../server/store/sqlite/engine.js';
import type { Command } from '../../../../server/store/sqlite/engine.js';

function opened(t: ExecutionContext): Engine {
  const folder = mkdtempSync(path.join(tmpdir(), 'glimpse-engine-'));
  const engine = new Engine(path.join(folder, 'store.sqlite'));
  t.teardown(() => {
    engine.close();
    rmSync(folder, { recursive: true });
  });
  return engine;
}

const put = (key: string, lease: string | null = null): Command => ({
  type: 'transact',
  compares: [],
  writes: [{ type: 'put', key, value: new Uint8Array([1]), lease }],
});

test('the log of changes is trimmed, and what was trimmed is a gap', (t) => {
  const engine = opened(t);
  for (let written = 0; written < 22_000; written += 250) {
    engine.commit(Array.from({ length: 250 }, (_, index) => put(`k/${index}`)));
  }
  t.is(engine.head(), 22_000);
  t.deepEqual(engine.changes('', 0), { gap: true });
  t.deepEqual(engine.changes('', 22_001), { gap: true }, 'nor is the future known');
  let after = 2_000;
  let seen = 0;
  while (after < 22_000) {
    const page = engine.changes('k/', after);
    if (page.gap) {
      t.fail(`a gap after ${after}`);
      return;
    }
    seen += page.changes.length;
    after = page.upTo;
  }
  t.is(seen, 20_000);
});

test('a transaction that fails in the middle of a commit leaves the others out too', (t) => {
  const engine = opened(t);
  engine.commit([put('a')]);
  const broken = {
    type: 'transact',
    compares: [],
    writes: [{ type: 'put', key: 'c', value: 1n, lease: null }],
  };
  t.throws(() => engine.commit([put('b'), broken as unknown as Command]), { any: true });
  t.is(engine.get('b'), undefined);
  t.is(engine.head(), 1);
  t.deepEqual(engine.commit([put('b')]).outcomes, [{ ok: true, revision: 2 }]);
});

test('a lease that was renewed is not ended by whoever read the clock before that and was late', (t) => {
  const engine = opened(t);
  engine.commit([{ type: 'grant', lease: 'one', ttlMs: 100, nowMs: 1000 }, put('a', 'one')]);
  engine.commit([{ type: 'renew', lease: 'one', nowMs: 1050 }]);
  t.false(engine.hasExpired(1049));
  engine.commit([{ type: 'expire', nowMs: 1049 }]);
  t.truthy(engine.get('a'));
  const [late] = engine.commit([{ type: 'renew', lease: 'one', nowMs: 1049 }]).outcomes;
  t.not(late, 'lease-ended');
});

test('a lease ends with its time, and at once when the clock began anew', (t) => {
  const engine = opened(t);
  const grant = (lease: string, nowMs: number): Command => ({ type: 'grant', lease, ttlMs: 100, nowMs });
  engine.commit([grant('one', 1000), put('a', 'one'), grant('two', 1050), put('b', 'two')]);
  t.false(engine.hasExpired(1099));
  t.true(engine.hasExpired(1100));
  t.deepEqual(engine.commit([{ type: 'renew', lease: 'one', nowMs: 1100 }]).outcomes, ['lease-ended']);
  t.is(engine.get('a'), undefined);
  engine.commit([{ type: 'expire', nowMs: 1149 }]);
  t.not(engine.get('b'), undefined);
  t.true(engine.hasExpired(20), 'the machine was started again');
  engine.commit([{ type: 'expire', nowMs: 20 }]);
  t.is(engine.get('b'), undefined);
  t.deepEqual(engine.list({ prefix: '' }), []);
});
