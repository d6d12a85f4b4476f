import { timestampMs } from '@bufbuild/protobuf/wkt';
import test from 'ava';
import { verifyLog } from '../../../core/rights/log.js';
import { signRights } from '../../../core/rights/signed.js';
import { LogEvent } from '../../../gen/glimpse/v1/discovery_pb.js';
import { LEDGER_LIMITS } from '../../../server/ledger/limits.js';
import type { Ledger } from '../../../server/ledger/ledger.js';
import type { Change } from '../../../server/store/store.js';
import { owner, rightsOf } from '../../core/rights/samples.js';
import {
  alice,
  bob,
  bytes16,
  bytes32,
  grantId,
  hex,
  ledgerOn,
  mallory,
  opened,
  reasonOf,
  sealId,
  signed,
  startMs,
  viewIdAt,
  wholeLog,
} from './scene.js';

const none = new Uint8Array();

async function putMany(ledger: Ledger, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => bytes16(index + 1));
  for (const id of ids) {
    await ledger.put(alice, signRights(rightsOf({ grantId: id, imageId: id }), owner.signing));
  }
  return ids.map(hex);
}

test.serial('grants are listed a page at a time, by id', async (t) => {
  const { ledger } = await opened(t);
  const ids = await putMany(ledger, LEDGER_LIMITS.pageGrants + 5);
  for (const [party, side] of [
    [alice, 'owner'],
    [bob, 'viewer'],
  ] as const) {
    const first = await ledger.list(party, side, none);
    t.is(first.grants.length, LEDGER_LIMITS.pageGrants);
    t.true(first.more);
    const last = await ledger.list(party, side, Buffer.from(ids[LEDGER_LIMITS.pageGrants - 1]!, 'hex'));
    t.is(last.grants.length, 5);
    t.false(last.more);
  }
});

test.serial('the mailbox has what was not acknowledged, as it is now', async (t) => {
  const { ledger } = await opened(t);
  t.is(await ledger.newer(bob.fingerprint, grantId), undefined);
  await ledger.put(alice, signed());
  const newer = async () => {
    const { newer: found, next } = await ledger.newerFor(bob.fingerprint, none);
    t.is(next, undefined);
    t.deepEqual(await ledger.newer(bob.fingerprint, grantId), found[0]);
    return found.map(({ signedRights }) => signedRights);
  };
  t.deepEqual(await newer(), [signed()]);
  const [second, third] = [signed({ version: 2, quota: 5 }), signed({ version: 3, quota: 7 })];
  await ledger.put(alice, second);
  await ledger.put(alice, third);
  t.deepEqual(await newer(), [third], 'what was superseded is gone');
  t.deepEqual((await ledger.newer(bob.fingerprint, grantId))!.ownerKeys, alice.keys);
  await ledger.acknowledge(bob.fingerprint, grantId, 2);
  t.deepEqual(await newer(), [third]);
  await ledger.acknowledge(bob.fingerprint, grantId, 3);
  t.deepEqual(await newer(), []);
  await ledger.acknowledge(bob.fingerprint, grantId, 1);
  t.deepEqual(await newer(), [], 'what is acknowledged stays so');
  const [status] = await ledger.read(alice, [grantId]);
  t.is(status!.versionTaken, 3);
  t.deepEqual((await ledger.newerFor(mallory.fingerprint, none)).newer, []);
});

test.serial('a version that was never put cannot be acknowledged, nor by a stranger', async (t) => {
  const { ledger, store } = await opened(t);
  await ledger.put(alice, signed());
  await ledger.acknowledge(bob.fingerprint, grantId, 99);
  await ledger.acknowledge(mallory.fingerprint, grantId, 1);
  await ledger.put(alice, signed({ version: 2 }));
  t.not(await ledger.newer(bob.fingerprint, grantId), undefined);
  t.is((await store.list({ prefix: 'held/' })).length, 1);
});

test.serial('a full mailbox is read a page at a time', async (t) => {
  const { ledger } = await opened(t);
  const ids = await putMany(ledger, LEDGER_LIMITS.pageGrants + 3);
  await ledger.acknowledge(bob.fingerprint, Buffer.from(ids[1]!, 'hex'), 1);
  const first = await ledger.newerFor(bob.fingerprint, none);
  t.is(first.newer.length, LEDGER_LIMITS.pageGrants - 1);
  const last = await ledger.newerFor(bob.fingerprint, first.next!);
  t.is(last.newer.length, 3);
  t.is(last.next, undefined);
});

test.serial('a delivery is recorded once a snapshot, by the owner', async (t) => {
  const { ledger } = await opened(t);
  t.is(await reasonOf(ledger.recordDelivery(alice, grantId, bytes32(1))), 'UNKNOWN_GRANT');
  await ledger.put(alice, signed());
  t.is(await reasonOf(ledger.recordDelivery(bob, grantId, bytes32(1))), 'NOT_YOURS');
  t.is(await reasonOf(ledger.recordDelivery(mallory, grantId, bytes32(1))), 'UNKNOWN_GRANT');
  for (const snapshot of [1, 1, 2, 2]) await ledger.recordDelivery(alice, grantId, bytes32(snapshot));
  const { entries, head } = await wholeLog(ledger, bob);
  t.deepEqual(
    verifyLog(entries, head).map(({ event, snapshot }) => [LogEvent[event], snapshot[0]]),
    [
      ['GRANT', undefined],
      ['DELIVERY', 1],
      ['DELIVERY', 2],
    ],
  );
});

test.serial('a long log is read a page at a time and proven whole', async (t) => {
  const { ledger } = await opened(t);
  await ledger.put(alice, signed());
  const total = LEDGER_LIMITS.pageEntries + 10;
  for (let version = 2; version <= total; version++) await ledger.put(alice, signed({ version }));
  const page = await ledger.log(alice, grantId, 0);
  t.is(page.entries.length, LEDGER_LIMITS.pageEntries);
  t.true(page.more);
  const { entries, head } = await wholeLog(ledger);
  t.is(verifyLog(entries, head).length, total);
  t.deepEqual(await ledger.log(alice, grantId, total), { entries: [], refusals: [], head, more: false });
  t.deepEqual((await ledger.log(alice, grantId, 4_000_000_000)).entries, []);
});

test.serial('refusals are counted by the minute, and cost few writes', async (t) => {
  const { ledger, store, clock } = await opened(t);
  await ledger.put(alice, signed({ quota: 0 }));
  const stop = new AbortController();
  const watch = store.watch('refusal/', { signal: stop.signal });
  let writes = 0;
  const asked = () => ledger.spend(bob, { grantId, viewIds: [viewIdAt(clock.ms)], sealId });
  const read = async () =>
    (await ledger.log(alice, grantId, 0)).refusals.map(({ minute, reason, count }) => [
      timestampMs(minute!) - startMs,
      reason,
      count,
    ]);
  t.is(await reasonOf(asked()), 'VIEWS_SPENT');
  t.deepEqual(await read(), [[0, 'VIEWS_SPENT', 1]], 'the first at once');
  for (let refused = 0; refused < 40; refused++) await reasonOf(asked());
  clock.ms += 60_000;
  for (let refused = 0; refused < 40; refused++) await reasonOf(asked());
  t.is(
    await reasonOf(ledger.spend(mallory, { grantId, viewIds: [viewIdAt(clock.ms)], sealId })),
    'UNKNOWN_GRANT',
  );
  await ledger.close();
  t.deepEqual(await read(), [
    [0, 'VIEWS_SPENT', 41],
    [60_000, 'VIEWS_SPENT', 40],
  ]);
  const last = String((startMs + 60_000) / 60_000);
  for await (const changes of watch) {
    writes += changes.length;
    const isLast = (change: Change) => change.type === 'put' && change.row.key.endsWith(last);
    if (changes.some(isLast)) stop.abort();
  }
  t.true(writes < 10, `${writes} writes`);
});

test.serial('the owner reads the latest refusals, and old ones are forgotten', async (t) => {
  const { ledger, store, clock } = await opened(t);
  await ledger.put(alice, signed({ quota: 0 }));
  for (const minutes of [0, 1, 20_000]) {
    clock.ms = startMs + minutes * 60_000;
    const later = ledgerOn(store, () => clock.ms);
    await reasonOf(later.spend(bob, { grantId, viewIds: [viewIdAt(clock.ms)], sealId }));
    await later.close();
  }
  t.is((await ledger.log(alice, grantId, 0)).refusals.length, 3);
  await ledger.sweep();
  t.is((await ledger.log(alice, grantId, 0)).refusals.length, 1);
});

test.serial('sweeping forgets views past their memory, all of them in the end', async (t) => {
  const { ledger, store, clock } = await opened(t);
  await ledger.put(alice, signed({ quota: 200 }));
  const spend = () => ledger.spend(bob, { grantId, viewIds: [viewIdAt(clock.ms)], sealId });
  for (let spent = 0; spent < 120; spent++) await spend();
  clock.ms += LEDGER_LIMITS.viewKeptMs / 2;
  await spend();
  clock.ms += LEDGER_LIMITS.viewKeptMs / 2;
  for (let swept = 0; swept < 4; swept++) await ledger.sweep();
  t.is((await store.list({ prefix: 'view/' })).length, 1);
  const [status] = await ledger.read(bob, [grantId]);
  t.is(status!.used, 121);
});

test.serial('a view whose row is damaged is left alone, and the others are swept', async (t) => {
  const { ledger, store, clock } = await opened(t);
  await ledger.put(alice, signed({ quota: 2 }));
  await ledger.spend(bob, { grantId, viewIds: [viewIdAt(clock.ms)], sealId });
  const damaged = `view/${hex(grantId)}/${'0'.repeat(32)}`;
  await store.transact([], [{ type: 'put', key: damaged, value: Uint8Array.of(0xff) }]);
  clock.ms += LEDGER_LIMITS.viewKeptMs;
  await ledger.sweep();
  t.deepEqual(
    (await store.list({ prefix: 'view/' })).map(({ key }) => key),
    [damaged],
  );
});
