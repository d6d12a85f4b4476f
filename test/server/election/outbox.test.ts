import test from 'ava';
import { Outbox } from '../../../server/election/outbox.js';

test('messages come in order, whether they or their reader come first', async (t) => {
  const outbox = new Outbox<number>(10);
  const first = outbox.next();
  t.true(outbox.push(1));
  t.true(outbox.push(2));
  t.deepEqual(
    [await first, await outbox.next()],
    [
      { done: false, value: 1 },
      { done: false, value: 2 },
    ],
  );
});

test('a reader that does not keep up loses the stream', async (t) => {
  const outbox = new Outbox<number>(2);
  t.deepEqual(
    [1, 2, 3, 4].map((n) => outbox.push(n)),
    [true, true, false, false],
  );
  t.deepEqual(await outbox.next(), { done: true, value: undefined });
});

test('a failure reaches the reader, waiting or yet to come', async (t) => {
  const waiting = new Outbox<number>(2);
  const next = waiting.next();
  waiting.fail(new Error('torn'));
  await t.throwsAsync(next, { message: 'torn' });
  await t.throwsAsync(waiting.next(), { message: 'torn' });
});

test('a reader that leaves ends it', async (t) => {
  const outbox = new Outbox<number>(2);
  outbox.push(1);
  t.deepEqual(await outbox.next(), { done: false, value: 1 });
  await outbox.return();
  t.false(outbox.push(2));
});
