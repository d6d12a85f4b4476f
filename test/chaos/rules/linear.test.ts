import test from 'ava';
import type { Event } from '../../../chaos/rules/linear.js';
import { unexplained } from '../../../chaos/rules/linear.js';

/** A register: what was written, or read, within which time. */
const write = (value: number, beganMs: number, endedMs: number, isCertain = true): Event<number> => ({
  name: `write ${value}`,
  ...{ beganMs, endedMs, isCertain },
  next: () => [value],
});
const read = (value: number, beganMs: number, endedMs: number): Event<number> => ({
  name: `read ${value}`,
  ...{ beganMs, endedMs, isCertain: true },
  next: (state) => (state === value ? [state] : []),
});
const stuckAt = (...events: readonly Event<number>[]) => unexplained(events, 0, String);

test('what overlapped may have happened in any order', (t) => {
  t.is(stuckAt(write(1, 0, 10), write(2, 0, 10), read(1, 11, 12)), undefined);
  t.is(stuckAt(write(1, 0, 10), write(2, 0, 10), read(2, 11, 12)), undefined);
  t.is(stuckAt(write(1, 0, 10), read(0, 1, 9), read(1, 2, 9)), undefined);
});

test('what did not overlap happened in its order', (t) => {
  t.deepEqual(stuckAt(write(1, 0, 1), read(0, 2, 3)), ['read 0']);
  t.deepEqual(stuckAt(write(1, 0, 9), read(1, 1, 2), read(0, 3, 4)), ['read 0']);
  t.deepEqual(stuckAt(write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)), ['read 1']);
});

test('what may have happened happened at any later time, or never', (t) => {
  const maybe = write(1, 0, Infinity, false);
  t.is(stuckAt(maybe, read(0, 5, 6)), undefined);
  t.is(stuckAt(maybe, read(0, 5, 6), read(1, 7, 8)), undefined);
  t.deepEqual(stuckAt(maybe, read(1, 5, 6), read(0, 7, 8)), ['read 0']);
  t.deepEqual(stuckAt(read(1, 5, 6), write(1, 7, Infinity, false)), ['read 1']);
});

test('what must come after another does, and what may not comes not', (t) => {
  const first = write(1, 0, Infinity, false);
  t.deepEqual(stuckAt({ ...first, notAfter: [1] }, write(2, 1, 2), read(1, 3, 4)), ['read 1']);
  t.is(stuckAt(first, write(2, 1, 2), read(1, 3, 4)), undefined);
  t.deepEqual(stuckAt(write(1, 0, 9), { ...read(0, 0, 9), after: 0 }), ['read 0']);
  t.is(stuckAt(write(1, 0, 9), read(0, 0, 9)), undefined);
});
