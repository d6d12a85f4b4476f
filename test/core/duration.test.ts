import test from 'ava';
import fc from 'fast-check';
import { parseDuration } from '../../core/duration.js';

const accepts = test.macro({
  exec: (t, text: string, durationMs: number) => t.is(parseDuration(text), durationMs),
  title: (_, text: string, durationMs: number) => `${text} is ${durationMs} ms`,
});
test(accepts, '30s', 30_000);
test(accepts, '10m', 600_000);
test(accepts, '2h', 7_200_000);
test(accepts, '7d', 604_800_000);
test(accepts, '3650d', 315_360_000_000);

const refuses = test.macro({
  exec: (t, text: string) => t.is(parseDuration(text), undefined),
  title: (_, text: string) => `"${text}" is no duration`,
});
for (const text of [
  '',
  '0s',
  '5',
  's',
  '-1s',
  '1.5h',
  '7D',
  ' 7d',
  '7d ',
  '7 d',
  '1d2h',
  '3651d',
  '999999999d',
  '1w',
  '１s',
])
  test(refuses, text);

test('whatever is accepted is a positive whole number of milliseconds', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,12}[smhd]$/)), (text) => {
      const durationMs = parseDuration(text);
      return durationMs === undefined || (Number.isSafeInteger(durationMs) && durationMs > 0);
    }),
  );
  t.pass();
});
