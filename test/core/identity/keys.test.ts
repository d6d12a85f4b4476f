import { createPrivateKey } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { FormatError } from '../../../core/format-error.js';
import {
  agreementKeyFrom,
  checkKeyBundle,
  drawClientKeys,
  fingerprintOf,
  fingerprintText,
  keepClientKeys,
  makeKeyBundle,
  privateBytes,
  publicBytes,
  restoreClientKeys,
  safetyNumber,
  signingKeyFrom,
  signWith,
  verifies,
} from '../../../core/identity/keys.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

/** PKCS#8 of RFC 8410 around a raw private key. */
const privateKey = (oid: '70' | '6e', raw: string) =>
  createPrivateKey({
    key: Buffer.from(`302e020100300506032b65${oid}04220420${raw}`, 'hex'),
    format: 'der',
    type: 'pkcs8',
  });

test('a signature of RFC 8032, section 7.1, test 2', (t) => {
  const key = privateKey('70', '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
  const raw = hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  const signature = hex(
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );
  t.deepEqual(publicBytes(key), raw);
  t.deepEqual(privateBytes(key), hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'));
  t.deepEqual(signWith(key, hex('72')), signature);
  t.true(verifies(raw, hex('72'), signature));
});

test('an agreement key of RFC 7748, section 6.1', (t) => {
  const alice = privateKey('6e', '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
  const raw = hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
  t.deepEqual(publicBytes(alice), raw);
  t.deepEqual(publicBytes(agreementKeyFrom(raw)), raw);
});

test('fingerprints, their text and safety numbers, computed apart from this code', (t) => {
  const signingKey = new Uint8Array(32).fill(1);
  const agreementKey = new Uint8Array(32).fill(2);
  const one = fingerprintOf({ signingKey, agreementKey });
  const other = fingerprintOf({ signingKey: agreementKey, agreementKey: signingKey });
  t.is(Buffer.from(one).toString('hex'), 'd78c991c4202f280f8a9d08fdfc149b606ca84bb0d42ae4db6a71674de513183');
  t.is(fingerprintText(one), '26gj-shcc-alzi-b6fj-2ch5-7qkj-wydm-vbf3');
  t.is(safetyNumber(one, other), '80323 51839 12288 23778 05763 16038 87856 92207 55645 71554 37173 68918');
  t.is(safetyNumber(other, one), '80323 51839 12288 23778 05763 16038 87856 92207 55645 71554 37173 68918');
});

test('keys are kept and restored', (t) => {
  const keys = drawClientKeys();
  const restored = restoreClientKeys(keepClientKeys(keys));
  t.deepEqual(publicBytes(restored.signing), publicBytes(keys.signing));
  t.deepEqual(publicBytes(restored.agreement), publicBytes(keys.agreement));
  t.deepEqual(publicBytes(signingKeyFrom(publicBytes(keys.signing))), publicBytes(keys.signing));
});

test('a bundle holds until any bit of it is changed', (t) => {
  const bundle = makeKeyBundle(drawClientKeys());
  t.notThrows(() => checkKeyBundle(bundle));
  const fields = ['signingKey', 'agreementKey', 'signature'] as const;
  fc.assert(
    fc.property(fc.constantFrom(...fields), fc.nat({ max: 255 }), (field, bit) => {
      const changed = new Uint8Array(bundle[field]);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      t.throws(() => checkKeyBundle({ ...bundle, [field]: changed }), { instanceOf: FormatError });
    }),
    { numRuns: 60 },
  );
});

test('a bundle that held does not hold with a byte moved from one part to the next', (t) => {
  const bundle = makeKeyBundle(drawClientKeys());
  checkKeyBundle(bundle);
  const { signingKey, signature } = bundle;
  const moved = {
    ...bundle,
    signingKey: Buffer.concat([signature.subarray(-1), signingKey]),
    signature: signature.subarray(0, -1),
  };
  t.throws(() => checkKeyBundle(moved), { instanceOf: FormatError });
});

test('verifying never throws, whatever it is given', (t) => {
  const bytes = fc.uint8Array({ maxLength: 70 });
  const exact = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(fc.oneof(bytes, exact(32)), bytes, fc.oneof(bytes, exact(64)), (key, message, signature) => {
      t.false(verifies(key, message, signature));
    }),
  );
});
