import test from 'ava';
import { validate, version } from 'uuid';
import { stringify } from 'uuid';
import { unlock } from '../../../client/cloud/unlock.js';
import type { BegunViews, UnlockEdge } from '../../../client/cloud/unlock.js';
import { Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { cloudOf } from './clouds.js';
import type { Serving } from './clouds.js';

const carrier = { grantId: new Uint8Array(16).fill(1), sealId: new Uint8Array(32).fill(2) };
const cloudKey = new Uint8Array(32).fill(3);

/** A vault's memory of views, and a clock that stands where it is set. */
function edgeAt(nowMs: number, clockOffsetMs = 0) {
  const begun: BegunViews[] = [];
  const corrected: number[] = [];
  const refused: BegunViews[] = [];
  const edge = {
    views: 1,
    clock: () => nowMs,
    clockOffsetMs,
    begun: undefined as BegunViews | undefined,
    begin: (view: BegunViews) => void begun.push(view),
    refused: () => void refused.push(begun.at(-1)!),
    correct: (offsetMs: number) => void corrected.push(offsetMs),
  } satisfies UnlockEdge;
  return { edge, begun, refused, corrected };
}

const msOf = (viewId: Uint8Array): number => Buffer.from(viewId).readUIntBE(0, 6);

function releasing(seen: Uint8Array[], before?: (viewId: Uint8Array) => void): Serving {
  return {
    stego: {
      async unlock({ viewIds }) {
        seen.push(viewIds[0]!);
        before?.(viewIds[0]!);
        return { cloudKey, used: 1 };
      },
    },
  };
}

test('a view has an id of the cloud’s time, durable before it is asked for', async (t) => {
  const seen: Uint8Array[] = [];
  const { edge, begun } = edgeAt(1_000_000_000_000, 5_000);
  const { cloud } = await cloudOf(
    t,
    releasing(seen, (viewId) => t.deepEqual(begun.at(-1)?.viewIds, [viewId])),
  );
  const unlocked = await unlock(cloud, carrier, edge);
  t.deepEqual(unlocked.cloudKey, cloudKey);
  t.deepEqual(unlocked.viewIds, [seen[0]!]);
  t.true(validate(stringify(seen[0]!)) && version(stringify(seen[0]!)) === 7);
  t.is(msOf(seen[0]!), 1_000_000_005_000);
});

test('a server that fails after the debit costs nothing: the next is asked for the same view', async (t) => {
  const seen: Uint8Array[] = [];
  const fails = releasing(seen, () => {
    throw new Error('killed');
  });
  const { cloud } = await cloudOf(t, fails, releasing(seen));
  await unlock(cloud, carrier, edgeAt(Date.now()).edge);
  t.is(seen.length, 2);
  t.deepEqual(seen[0], seen[1]);
});

test('a view that was begun and not shown is asked for again, unless it is too old', async (t) => {
  const seen: Uint8Array[] = [];
  const { cloud } = await cloudOf(t, releasing(seen));
  const viewId = new Uint8Array(16).fill(9);
  const { edge, begun } = edgeAt(1_000_000_000_000);
  await unlock(cloud, carrier, {
    ...edge,
    begun: { viewIds: [viewId], begunAtMs: 1_000_000_000_000 - 40_000 },
  });
  t.deepEqual(seen, [viewId]);
  t.is(begun.length, 0);
  await unlock(cloud, carrier, {
    ...edge,
    begun: { viewIds: [viewId], begunAtMs: 1_000_000_000_000 - 60_000 },
  });
  t.notDeepEqual(seen[1], viewId);
});

test('a clock that is wrong is corrected by the cloud’s, once, with a fresh id', async (t) => {
  const seen: Uint8Array[] = [];
  const nowMs = 1_700_000_000_000;
  const stale = (): Refused => new Refused(Reason.VIEW_ID_STALE, 'too old', { now_ms: String(nowMs) });
  const { cloud } = await cloudOf(
    t,
    releasing(seen, (viewId) => {
      if (Math.abs(msOf(viewId) - nowMs) > 1_000) throw stale();
    }),
  );
  const { edge, corrected } = edgeAt(nowMs - 86_400_000);
  await unlock(cloud, carrier, edge);
  t.deepEqual(corrected, [86_400_000]);
  t.is(seen.length, 2);
  t.is(msOf(seen[1]!), nowMs);

  const never = await cloudOf(
    t,
    releasing(seen, () => {
      throw stale();
    }),
  );
  const error = await t.throwsAsync(unlock(never.cloud, carrier, edge), { instanceOf: Refused });
  t.is(error.reason, Reason.VIEW_ID_STALE);
  t.is(seen.length, 4, 'not for ever');
});

test('a view that is refused is forgotten, unless a server that did not answer may yet spend it', async (t) => {
  const revoked = releasing([], () => {
    throw new Refused(Reason.REVOKED, 'revoked');
  });
  const silent = releasing([], () => {
    throw new Error('stopped');
  });
  const alone = edgeAt(1_000_000_000_000);
  await t.throwsAsync(unlock((await cloudOf(t, revoked)).cloud, carrier, alone.edge), { message: 'revoked' });
  t.is(alone.refused.length, 1);

  const after = edgeAt(1_000_000_000_000);
  await t.throwsAsync(unlock((await cloudOf(t, silent, revoked)).cloud, carrier, after.edge), {
    message: 'revoked',
  });
  t.deepEqual(after.refused, []);

  const again = { ...after.edge, begun: after.begun.at(-1) };
  await t.throwsAsync(unlock((await cloudOf(t, revoked)).cloud, carrier, again), { message: 'revoked' });
  t.deepEqual(after.refused, [], 'it was asked for before');
});
