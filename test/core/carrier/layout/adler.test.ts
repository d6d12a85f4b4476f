import test from 'ava';
import fc from 'fast-check';
import { adler32, adlerOfBoth, adlerReplaced } from '../../../../core/carrier/layout/adler.js';
import { patterned } from '../../streams.js';

/** As defined: RFC 1950, section 8.2. */
function defined(bytes: Uint8Array): number {
  let [low, high] = [1, 0];
  for (const byte of bytes) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  return high * 65_536 + low;
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 50 }),
  fc.nat({ max: 20_000 }).map((length) => patterned(length, length)),
  fc.nat({ max: 20_000 }).map((length) => new Uint8Array(length).fill(255)),
);

test('it is what was defined', (t) => {
  fc.assert(fc.property(bytes, (some) => t.is(adler32(some), defined(some))));
  t.is(adler32(new Uint8Array(1_000_003).fill(255)), defined(new Uint8Array(1_000_003).fill(255)));
});

test('parts combine, in whatever lengths', (t) => {
  fc.assert(
    fc.property(bytes, bytes, (first, second) => {
      const both = adlerOfBoth(adler32(first), adler32(second), second.length);
      t.is(both, adler32(Buffer.concat([first, second])));
    }),
  );
});

test('a first part is replaced without reading the rest', (t) => {
  fc.assert(
    fc.property(bytes, bytes, fc.nat(), (first, rest, seed) => {
      const other = patterned(first.length, seed);
      const total = adler32(Buffer.concat([first, rest]));
      const now = adlerReplaced(total, adler32(first), adler32(other), rest.length);
      t.is(now, adler32(Buffer.concat([other, rest])));
    }),
  );
});
