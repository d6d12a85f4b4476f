import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { FormatError } from '../../../core/format-error.js';
import { decodeJoinCode, encodeJoinCode } from '../../../core/identity/join-code.js';

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const letters = 'abcdefghijklmnopqrstuvwxyz234567'.split('');
const code = fc.record({
  addresses: fc.array(fc.string({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 16 }),
  caFingerprint: bytesOf(32),
  secret: bytesOf(16),
  name: fc.constantFrom('', 'alice', 'b.ob'),
});

test('what is encoded is decoded, in capitals and broken over lines too', (t) => {
  fc.assert(
    fc.property(code, fc.nat({ max: 40 }), (init, at) => {
      const text = encodeJoinCode(init);
      t.regex(text, /^glimpse1-[a-z2-7]+$/);
      for (const typed of [text, text.toUpperCase(), `  ${text.slice(0, at)} \r\n\t${text.slice(at)}\n`]) {
        const { addresses, caFingerprint, secret, name } = decodeJoinCode(typed);
        t.deepEqual({ addresses, caFingerprint, secret, name }, init);
      }
    }),
  );
});

test('a changed, missing or added letter is noticed', (t) => {
  const text = encodeJoinCode({
    addresses: ['127.0.0.1:7611', '127.0.0.1:7613'],
    caFingerprint: new Uint8Array(32).fill(7),
    secret: new Uint8Array(16).fill(9),
  });
  fc.assert(
    fc.property(fc.nat({ max: text.length - 1 }), fc.constantFrom(...letters, ''), (at, letter) => {
      fc.pre(text[at] !== letter);
      refused(t, text.slice(0, at) + letter + text.slice(at + 1));
      refused(t, text.slice(0, at) + letter + 'a' + text.slice(at));
      refused(t, text.slice(0, at));
    }),
  );
});

test('any other text is refused by name', (t) => {
  fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => refused(t, text)));
  fc.assert(fc.property(fc.base64String({ maxLength: 200 }), (text) => refused(t, `glimpse1-${text}`)));
  refused(t, '');
  refused(t, 'glimpse1-');
  refused(t, `glimpse1-${'a'.repeat(100_000)}`);
});

test('a code whose contents break the contract is refused, checksum or not', (t) => {
  const whole = { addresses: ['a:1'], caFingerprint: new Uint8Array(32), secret: new Uint8Array(16) };
  refused(t, encodeJoinCode({ ...whole, addresses: [] }));
  refused(t, encodeJoinCode({ ...whole, secret: new Uint8Array(15) }));
  refused(t, encodeJoinCode({ ...whole, caFingerprint: new Uint8Array(0) }));
});

function refused(t: ExecutionContext, text: string): void {
  t.throws(() => decodeJoinCode(text), { instanceOf: FormatError, message: /^join-code: / });
}
