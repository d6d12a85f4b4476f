import test from 'ava';
import { CLOUD_LIMITS } from '../../../client/cloud/limits.js';
import { waitAsTold, waitMs } from '../../../client/cloud/waiting.js';
import { tryLater } from '../../../core/rpc/errors.js';
import { clientOf, cloudOf } from './clouds.js';
import type { Serving } from './clouds.js';

const full = (retryAfterMs: number) => tryLater('no room', ['hidesMax', 16], retryAfterMs);

/** Turns the first callers away; knows when it was asked. */
function turnsAway(times: number, retryAfterMs: number): Serving & { readonly askedAtMs: number[] } {
  const askedAtMs: number[] = [];
  return {
    askedAtMs,
    discovery: {
      async lookUp({ name }) {
        askedAtMs.push(performance.now());
        if (askedAtMs.length <= times) throw full(retryAfterMs);
        return { entry: { name, online: true } };
      },
    },
  };
}

test('what is told is waited, somewhat longer by chance, and never more than the limit', (t) => {
  t.is(waitMs(full(1_000), 0), 1_000);
  t.is(waitMs(full(1_000), 1), 1_500);
  t.is(waitMs(full(1e9), 0), CLOUD_LIMITS.toldWaitMsMax);
});

test('a call that is turned away everywhere is made again after the wait that was told', async (t) => {
  const busy = turnsAway(1, 700);
  const { cloud } = await cloudOf(t, busy);
  t.true((await cloud.lookUp('bob')).online);
  const [first, second] = busy.askedAtMs as [number, number];
  t.true(second - first >= 699, 'no sooner than told');
});

test('another server is asked at once', async (t) => {
  const busy = turnsAway(1_000, 60_000);
  const { servers, authority } = await cloudOf(t, busy, turnsAway(0, 0));
  const { cloud } = await clientOf(
    t,
    authority,
    servers.map(({ address }) => address),
  );
  t.true((await cloud.lookUp('bob')).online);
  t.is(busy.askedAtMs.length, 1);
});

test('waiting ends when the caller gives up', async (t) => {
  const ending = new AbortController();
  const waiting = waitAsTold(full(60_000), ending.signal);
  ending.abort(new Error('enough'));
  await t.throwsAsync(waiting, { message: 'enough' });
});
