import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import test from 'ava';
import { verifyLog } from '../../../core/rights/log.js';
import { LogEvent } from '../../../gen/glimpse/v1/discovery_pb.js';
import type { Rights } from '../../../gen/glimpse/v1/rights_pb.js';
import type { Ledger } from '../../../server/ledger/ledger.js';
import { Mode } from '../../../gen/glimpse/v1/rights_pb.js';
import { StoreUnavailable } from '../../../server/store/store.js';
import {
  alice,
  bob,
  bytes16,
  bytes32,
  grantId,
  inPlace,
  interruptible,
  ledgerAt,
  ledgerOn,
  mallory,
  opened,
  reasonOf,
  refusalOf,
  sealId,
  signed,
  startMs,
  viewIdAt,
  wholeLog,
} from './scene.js';

const spend = (ledger: Ledger, viewId = viewIdAt(startMs), by = bob) =>
  ledger.spend(by, { grantId, viewIds: [viewId], sealId });

test.serial('views are spent to the quota, and more when the owner adds some', async (t) => {
  const { ledger } = await opened(t);
  await ledger.put(alice, signed({ quota: 2 }));
  const first = await spend(ledger);
  t.deepEqual(first.signedRights, signed({ quota: 2 }));
  t.is(first.rights.quota, 2);
  t.is(first.used, 1);
  t.is((await spend(ledger)).used, 2);
  t.is(await reasonOf(spend(ledger)), 'VIEWS_SPENT');
  t.deepEqual(await ledger.put(alice, signed({ version: 2, quota: 3 })), { used: 2 });
  t.is((await spend(ledger)).used, 3);
  t.is(await reasonOf(spend(ledger)), 'VIEWS_SPENT');
});

test.serial('who asks for more views than are left is told how many are', async (t) => {
  const { ledger } = await opened(t);
  await ledger.put(alice, signed({ quota: 2, mode: Mode.PREPAID, batchViewsMax: 3 }));
  const several = (count: number) => Array.from({ length: count }, () => viewIdAt(startMs));
  const ahead = (count: number) => ledger.spend(bob, { grantId, viewIds: several(count), sealId });
  t.regex((await refusalOf(ahead(3))).message, /fewer views are left .* ask for 2 at most$/);
  t.is((await ahead(2)).used, 2);
  t.is((await refusalOf(ahead(1))).message, 'all views are spent');
});

test.serial('a view is charged once and released three times, within its window', async (t) => {
  const { ledger, clock } = await opened(t);
  await ledger.put(alice, signed());
  const viewId = viewIdAt(startMs);
  for (let release = 1; release <= 3; release++) t.is((await spend(ledger, viewId)).used, 1);
  const refused = await refusalOf(spend(ledger, viewId));
  t.deepEqual(refused.metadata, { now_ms: String(startMs) });
  const other = viewIdAt(startMs);
  await spend(ledger, other);
  clock.ms += 66_000;
  t.is(await reasonOf(spend(ledger, other)), 'VIEW_ID_STALE');
  const [status] = await ledger.read(alice, [grantId]);
  t.is(status!.used, 2);
});

test.serial('what is not ready for the rights spends nothing', async (t) => {
  const { ledger } = await opened(t);
  await ledger.put(alice, signed());
  const ready = ({ secretId }: Rights): void => {
    throw new Error(`no secret ${secretId}`);
  };
  const viewIds = [viewIdAt(startMs)];
  await t.throwsAsync(ledger.spend(bob, { grantId, viewIds, sealId, ready }), { message: /^no secret \d/ });
  t.is((await ledger.read(alice, [grantId]))[0]!.used, 0);
});

test.serial('a retry is held against the rights of then', async (t) => {
  const { ledger, clock } = await opened(t);
  const expiresAt = timestampFromMs(startMs + 1_000);
  await ledger.put(alice, signed());
  const viewId = viewIdAt(startMs);
  await spend(ledger, viewId);
  await ledger.put(alice, signed({ version: 2, expiresAt }));
  t.is((await spend(ledger, viewId)).rights.version, 2);
  clock.ms += 1_000;
  t.is(await reasonOf(spend(ledger, viewId)), 'EXPIRED');
  await ledger.put(alice, signed({ version: 3, revoked: true }));
  t.is(await reasonOf(spend(ledger, viewId)), 'REVOKED');
});

test.serial('strangers learn nothing, the owner cannot view, and one view is one view', async (t) => {
  const { ledger } = await opened(t);
  t.is(await reasonOf(spend(ledger)), 'UNKNOWN_GRANT');
  await ledger.put(alice, signed());
  t.is(await reasonOf(spend(ledger, viewIdAt(startMs), mallory)), 'UNKNOWN_GRANT');
  t.is(await reasonOf(spend(ledger, viewIdAt(startMs), alice)), 'NOT_YOURS');
  const two = [viewIdAt(startMs), viewIdAt(startMs)];
  t.is(await reasonOf(ledger.spend(bob, { grantId, viewIds: two, sealId })), 'INVALID_REQUEST');
  t.is(await reasonOf(ledger.spend(bob, { grantId, viewIds: [], sealId })), 'INVALID_REQUEST');
  t.is(await reasonOf(ledger.spend(bob, { grantId, viewIds: [bytes16(0)], sealId })), 'INVALID_REQUEST');
  t.is((await wholeLog(ledger)).entries.length, 1);
});

test.serial('a carrier of an earlier hiding spends nothing', async (t) => {
  const { ledger } = await opened(t);
  await ledger.put(alice, signed());
  const anew = { sealId: bytes32(0x44), payloadDigest: bytes32(0x45) };
  await ledger.put(alice, signed({ version: 2, ...anew }));
  const refused = await refusalOf(spend(ledger));
  t.regex(refused.message, /hid this photo anew/);
  t.not(refused.metadata['current'], undefined);
  const viewIds = [viewIdAt(startMs)];
  t.is((await ledger.spend(bob, { grantId, viewIds, sealId: anew.sealId })).used, 1);
});

test.serial('what happens between reading and writing counts', async (t) => {
  const { store, ledger: other, clock } = await opened(t);
  const between = interruptible(store);
  const ledger = ledgerOn(between.store, () => clock.ms);
  await other.put(alice, signed({ quota: 2 }));
  const viewId = viewIdAt(startMs);
  between.interruptWith(() => spend(other));
  t.is((await spend(ledger, viewId)).used, 2, 'another view was first');
  between.interruptWith(async () => {
    await spend(other, viewId);
    await spend(other, viewId);
  });
  t.is(await reasonOf(spend(ledger, viewId)), 'VIEW_ID_STALE', 'the last releases were had elsewhere');
  await other.put(alice, signed({ version: 2, quota: 4 }));
  between.interruptWith(() => spend(other, viewIdAt(startMs)));
  t.is((await spend(ledger)).used, 4);
  await other.put(alice, signed({ version: 3, quota: 9 }));
  const last = viewIdAt(startMs);
  await spend(other, last);
  between.interruptWith(() => other.put(alice, signed({ version: 4, quota: 9, revoked: true })));
  t.is(await reasonOf(spend(ledger, last)), 'REVOKED', 'a retry, revoked meanwhile');
  await other.put(alice, signed({ version: 5, quota: 9 }));
  between.interruptWith(() => other.put(alice, signed({ version: 6, quota: 9, revoked: true })));
  t.is(await reasonOf(spend(ledger)), 'REVOKED', 'a new view, revoked meanwhile');
  const [status] = await other.read(bob, [grantId]);
  t.is(status!.used, 5);
  await ledger.close();
});

test.serial('a server that is always beaten gives up, and says so', async (t) => {
  const { store, ledger: other, clock } = await opened(t);
  await other.put(alice, signed({ quota: 1_000 }));
  const between = interruptible(store);
  const ledger = ledgerOn(between.store, () => clock.ms);
  const beat = async () => {
    between.interruptWith(beat);
    await spend(other);
  };
  between.interruptWith(beat);
  await t.throwsAsync(spend(ledger), { instanceOf: StoreUnavailable });
});

test.serial('64 callers at one grant never get more than the quota', async (t) => {
  const place = await inPlace(t);
  const both = await Promise.all([ledgerAt(t, place), ledgerAt(t, place)]);
  await both[0].ledger.put(alice, signed({ quota: 20 }));
  const results = await Promise.allSettled(
    Array.from({ length: 64 }, (_, index) => spend(both[index % 2]!.ledger)),
  );
  const spent = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.used] : []));
  t.deepEqual(
    spent.toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  const { entries, head } = await wholeLog(both[1].ledger);
  t.is(verifyLog(entries, head).filter(({ event }) => event === LogEvent.VIEW).length, 20);
});

test.serial('many retries of one view at once charge it once', async (t) => {
  const place = await inPlace(t);
  const both = await Promise.all([ledgerAt(t, place), ledgerAt(t, place)]);
  await both[0].ledger.put(alice, signed({ quota: 20 }));
  const viewId = viewIdAt(startMs);
  const results = await Promise.allSettled(
    Array.from({ length: 12 }, (_, index) => spend(both[index % 2]!.ledger, viewId)),
  );
  const spent = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.used] : []));
  t.deepEqual(spent, [1, 1, 1]);
});

test.serial('more callers than may wait are sent away, and nothing of theirs is spent', async (t) => {
  const { ledger } = await opened(t);
  await ledger.put(alice, signed({ quota: 1_000 }));
  const results = await Promise.allSettled(Array.from({ length: 200 }, () => spend(ledger)));
  const refused = results.filter((result) => result.status === 'rejected');
  t.true(refused.length > 0);
  for (const { reason } of refused) t.true(reason instanceof StoreUnavailable);
  const [status] = await ledger.read(bob, [grantId]);
  t.is(status!.used, 200 - refused.length);
});

test.serial('a view is confirmed once, by its viewer, even a day later', async (t) => {
  const { ledger, clock } = await opened(t);
  await ledger.put(alice, signed());
  const viewId = viewIdAt(startMs);
  t.is(await reasonOf(ledger.confirm(bob, grantId, viewId)), 'UNKNOWN_VIEW');
  await spend(ledger, viewId);
  t.is(await reasonOf(ledger.confirm(alice, grantId, viewId)), 'NOT_YOURS');
  t.is(await reasonOf(ledger.confirm(mallory, grantId, viewId)), 'UNKNOWN_GRANT');
  clock.ms += 86_000_000;
  await ledger.sweep();
  await ledger.confirm(bob, grantId, viewId);
  await ledger.confirm(bob, grantId, viewId);
  const { entries, head } = await wholeLog(ledger);
  t.deepEqual(
    verifyLog(entries, head).map(({ event, by, remaining }) => [LogEvent[event], by!.name, remaining]),
    [
      ['GRANT', 'alice', 3],
      ['VIEW', 'bob', 2],
      ['CONFIRMED', 'bob', 2],
    ],
  );
  clock.ms += 1_000_000;
  await ledger.sweep();
  t.is(await reasonOf(ledger.confirm(bob, grantId, viewId)), 'UNKNOWN_VIEW');
});

test.serial(
  'prepaid: charged at once and whole, repeated whole, outstanding until each is confirmed',
  async (t) => {
    const { ledger, clock } = await opened(t);
    await ledger.put(alice, signed({ quota: 5, mode: Mode.PREPAID, batchViewsMax: 3 }));
    const prepay = (viewIds: Uint8Array[]) => ledger.spend(bob, { grantId, viewIds, sealId });
    const ids = (count: number) => Array.from({ length: count }, () => viewIdAt(clock.ms));
    const outstanding = async () => {
      const [status] = await ledger.read(alice, [grantId]);
      return [status!.used, status!.outstanding];
    };
    t.is(await reasonOf(prepay(ids(4))), 'LIMIT_EXCEEDED');
    const batch = ids(3);
    t.is((await prepay(batch)).used, 3);
    t.is((await prepay(batch)).used, 3, 'the answer was lost');
    t.deepEqual(await outstanding(), [3, 3]);
    t.is(await reasonOf(prepay(ids(1))), 'LIMIT_EXCEEDED');
    t.is(await reasonOf(prepay([batch[0]!, viewIdAt(clock.ms)])), 'INVALID_REQUEST');
    clock.ms += 3 * 86_400_000;
    for (let round = 0; round < 3; round += 1) await ledger.sweep();
    t.is(await reasonOf(prepay(batch)), 'VIEW_ID_STALE');
    await ledger.confirm(bob, grantId, batch[1]!);
    await ledger.confirm(bob, grantId, batch[1]!);
    t.deepEqual(await outstanding(), [3, 2]);
    t.is(await reasonOf(prepay(ids(2))), 'LIMIT_EXCEEDED');
    t.is((await prepay(ids(1))).used, 4);
    await ledger.put(alice, signed({ version: 2, quota: 5 }));
    t.is((await spend(ledger, viewIdAt(clock.ms))).used, 5, 'strict again');
    t.deepEqual(await outstanding(), [5, 3]);
    const { entries, head } = await wholeLog(ledger);
    t.deepEqual(
      verifyLog(entries, head).map(({ event, views, remaining }) => [LogEvent[event], views, remaining]),
      [
        ['GRANT', 0, 5],
        ['PREPAID', 3, 2],
        ['CONFIRMED', 0, 2],
        ['PREPAID', 1, 1],
        ['UPDATE', 0, 1],
        ['VIEW', 0, 0],
      ],
    );
  },
);

test.serial('the largest batch is one transaction', async (t) => {
  const { ledger } = await opened(t);
  await ledger.put(alice, signed({ quota: 64, mode: Mode.PREPAID, batchViewsMax: 64 }));
  const viewIds = Array.from({ length: 64 }, () => viewIdAt(startMs));
  t.is((await ledger.spend(bob, { grantId, viewIds, sealId })).used, 64);
});
