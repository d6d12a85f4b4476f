import test from 'ava';
import { allInTime, inTime, stillAwaited, takenInTime } from '../../../core/rpc/patience.js';

const late = () => new Error('too late');
const longMs = 60_000;
const shortMs = 20;

async function* counting(to: number, closed: () => void = () => undefined) {
  try {
    for (let number = 1; number <= to; number += 1) yield number;
  } finally {
    closed();
  }
}

async function all(numbers: AsyncIterable<number>): Promise<number[]> {
  const found = [];
  for await (const number of numbers) found.push(number);
  return found;
}

test('who is in time gets everything', async (t) => {
  t.deepEqual(await all(inTime(counting(3), longMs, late)), [1, 2, 3]);
  t.deepEqual(await all(allInTime(counting(3), longMs, late)), [1, 2, 3]);
  t.deepEqual(await all(takenInTime(counting(3), longMs, late)), [1, 2, 3]);
});

test('a source that is always in time, and never comes to its end, is ended', async (t) => {
  async function* endless() {
    for (;;) {
      yield 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  t.true((await all(inTime(counting(3), shortMs, late))).length === 3);
  await t.throwsAsync(all(allInTime(endless(), shortMs, late)), { message: 'too late' });
});

test('a source that falls silent ends the stream', async (t) => {
  async function* silent() {
    yield 1;
    await new Promise(() => undefined);
  }
  const numbers = inTime(silent(), shortMs, late);
  t.deepEqual(await numbers.next(), { done: false, value: 1 });
  await t.throwsAsync(numbers.next(), { message: 'too late' });
});

test('a reader that falls silent closes the source, and is told when it comes back', async (t) => {
  let numbers: AsyncIterator<number> | undefined;
  await new Promise<void>((closed) => {
    numbers = takenInTime(counting(3, closed), shortMs, late)[Symbol.asyncIterator]();
    void numbers.next();
  });
  await t.throwsAsync(numbers!.next(), { message: 'too late' });
});

test('a reader that leaves closes the source at once', async (t) => {
  for (const wrap of [inTime<number>, takenInTime<number>]) {
    let closed = false;
    const source = counting(3, () => (closed = true));
    const numbers = wrap(source, longMs, late)[Symbol.asyncIterator]();
    t.deepEqual(await numbers.next(), { done: false, value: 1 });
    await numbers.return!();
    t.true(closed);
  }
});

test('an error of the source is the reader’s', async (t) => {
  async function* failing() {
    yield 1;
    throw new Error('no more');
  }
  await t.throwsAsync(all(inTime(failing(), longMs, late)), { message: 'no more' });
  await t.throwsAsync(all(takenInTime(failing(), longMs, late)), { message: 'no more' });
});

test('a caller who has gone is seen before the work begins, if the network has told', async (t) => {
  await t.notThrowsAsync(stillAwaited(new AbortController().signal));
  const gone = new AbortController();
  setImmediate(() => setImmediate(() => gone.abort(new Error('gone'))));
  await t.throwsAsync(stillAwaited(gone.signal), { message: 'gone' });
});
