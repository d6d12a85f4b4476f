import test from 'ava';
import fc from 'fast-check';
import { decodeBase32, encodeBase32, inGroups } from '../../core/base32.js';

/** RFC 4648, section 10, in lower case and without padding. */
const vectors = {
  '': '',
  f: 'my',
  fo: 'mzxq',
  foo: 'mzxw6',
  foob: 'mzxw6yq',
  fooba: 'mzxw6ytb',
  foobar: 'mzxw6ytboi',
};

test('the vectors of RFC 4648', (t) => {
  for (const [plain, text] of Object.entries(vectors)) {
    t.is(encodeBase32(Buffer.from(plain)), text);
    t.deepEqual(decodeBase32(text), new Uint8Array(Buffer.from(plain)));
  }
});

test('what is encoded is decoded', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      t.deepEqual(decodeBase32(encodeBase32(bytes)), bytes);
    }),
  );
});

test('nothing else is decoded: every text has one reading, and every reading one text', (t) => {
  const letters = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz234567189=-A '.split(''));
  fc.assert(
    fc.property(fc.string({ unit: letters, maxLength: 24 }), (text) => {
      const bytes = decodeBase32(text);
      if (bytes) t.is(encodeBase32(bytes), text);
    }),
  );
});

test('groups', (t) => {
  t.is(inGroups('abcdefghij', 4), 'abcd-efgh-ij');
  t.is(inGroups('', 4), '');
});
