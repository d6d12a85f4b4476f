import { create, toBinary } from '@bufbuild/protobuf';
import test from 'ava';
import fc from 'fast-check';
import { FormatError } from '../../../core/format-error.js';
import { EMPTY_LOG_HEAD, nextLogHead, verifyLog } from '../../../core/rights/log.js';
import { LogEntrySchema, LogEvent } from '../../../gen/glimpse/v1/discovery_pb.js';

const entry = (sequence: number, remaining = 0) =>
  toBinary(LogEntrySchema, create(LogEntrySchema, { sequence, event: LogEvent.VIEW, remaining }));

function logOf(length: number) {
  const entries = Array.from({ length }, (_, index) => entry(index + 1, length - index));
  const heads = [EMPTY_LOG_HEAD];
  for (const each of entries) heads.push(nextLogHead(heads.at(-1)!, each));
  return { entries, heads, head: heads.at(-1)! };
}

const logError = { instanceOf: FormatError, message: /^log: / };

test('a log is proven by its head, and by every head seen before', (t) => {
  for (const length of [0, 1, 7]) {
    const { entries, heads, head } = logOf(length);
    const seen = heads.map((each, at) => ({ length: at, head: each }));
    t.deepEqual(
      verifyLog(entries, head, seen).map(({ sequence }) => sequence),
      entries.map((_, index) => index + 1),
    );
  }
});

test('a log that was changed, cut, or put together anew is found out', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(), fc.nat(), (length, place, bit) => {
      const { entries, head, heads } = logOf(length);
      const at = place % length;
      const changed = entries.map((each) => each.slice());
      changed[at]![bit % changed[at]!.length]! ^= 1 << (bit % 8);
      t.throws(() => verifyLog(changed, head), logError);
      t.throws(() => verifyLog(entries.toSpliced(at, 1), head), logError);
      t.throws(() => verifyLog(entries.slice(0, at), heads[at]!, [{ length, head }]), logError);
      const other = entries.toSpliced(at, 1, entry(at + 1, 99));
      const otherHead = other.reduce((known, each) => nextLogHead(known, each), EMPTY_LOG_HEAD);
      verifyLog(other, otherHead);
      t.throws(() => verifyLog(other, otherHead, [{ length: at + 1, head: heads[at + 1]! }]), logError);
    }),
  );
});

test('entries are numbered from one', (t) => {
  const entries = [entry(2)];
  t.throws(() => verifyLog(entries, nextLogHead(EMPTY_LOG_HEAD, entries[0]!)), logError);
});
