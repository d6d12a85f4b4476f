import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { FormatError } from '../../../core/format-error.js';
import { formatRecoveryCode, recoveryBytes, recoveryDigest } from '../../../core/identity/recovery-code.js';

test('a code leads back to the digest of its bytes, however it is typed', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: recoveryBytes, maxLength: recoveryBytes }), (random) => {
      const code = formatRecoveryCode(random);
      t.regex(code, /^(?:[a-z2-7]{4}-){7}[a-z2-7]{4}$/);
      const digest = new Uint8Array(createHash('sha256').update(random).digest());
      for (const typed of [code, code.toUpperCase(), ` ${code.replaceAll('-', ' ')}\n`]) {
        t.deepEqual(recoveryDigest(typed), digest);
      }
    }),
  );
});

test('any other text is refused', (t) => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (text) => {
      t.throws(() => recoveryDigest(text), { instanceOf: FormatError });
    }),
  );
});
