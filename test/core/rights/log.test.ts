import { create, toBinary } from '@bufbuild/protobuf';
import test from 'ava';
import fc from 'fast-check';
import { FormatError } from '../../../core/format-error.js';
import { EMPTY_LOG_HEAD, flawText, nextLogHead, proveLog, verifyLog } from '../../../core/rights/log.js';
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

test('the first flaw is told with its place', (t) => {
  const { entries, heads, head } = logOf(7);
  const seen = heads.map((each, length) => ({ length, head: each }));
  const flaw = (told: Uint8Array[], known = seen) => {
    const last = told.reduce((before, each) => nextLogHead(before, each), EMPTY_LOG_HEAD);
    return proveLog(told, last, known).flaw;
  };
  t.is(flaw(entries), undefined);
  t.deepEqual(flaw(entries.toSpliced(2, 2)), { what: 'missing', from: 3, to: 4 });
  t.deepEqual(flaw(entries.slice(0, 5)), { what: 'missing', from: 6, to: 7 });
  const swapped = entries.with(1, entries[4]!).with(4, entries[1]!);
  t.deepEqual(flaw(swapped), { what: 'moved', from: 2, to: 5 });
  t.deepEqual(flaw(entries.toSpliced(3, 0, entries[2]!)), { what: 'moved', from: 4, to: 5 });
  const edited = entries.with(3, entry(4, 99));
  t.deepEqual(flaw(edited), { what: 'changed', from: 4, to: 4 });
  t.deepEqual(flaw(edited, [seen[2]!, seen[6]!]), { what: 'changed', from: 3, to: 6 }, 'as near as was seen');
  t.is(flaw(edited, seen.slice(0, 4)), undefined, 'nobody saw what was there');
  t.deepEqual(proveLog(edited, head).flaw, { what: 'changed', from: 1, to: 7 });
  t.deepEqual(flaw(edited.toSpliced(5, 1)), { what: 'changed', from: 4, to: 4 }, 'the first of two');
  t.deepEqual(flaw(entries.with(2, new Uint8Array([255]))), { what: 'changed', from: 3, to: 3 });
  t.is(flawText({ what: 'missing', from: 3, to: 4 }), 'entries 3 to 4 are gone');
  t.is(flawText({ what: 'changed', from: 4, to: 4 }), 'entry 4 is not as it was written');
});
