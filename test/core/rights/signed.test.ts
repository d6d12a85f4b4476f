import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import test from 'ava';
import fc from 'fast-check';
import { FormatError } from '../../../core/format-error.js';
import { makeKeyBundle, signWith } from '../../../core/identity/keys.js';
import { readRights, signRights, verifyRights } from '../../../core/rights/signed.js';
import { Mode, SignedRightsSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import { owner, rightsOf, stranger } from './samples.js';

const rightsError = { instanceOf: FormatError, message: /^rights: / };
const ownerKeys = makeKeyBundle(owner);

test('what was signed verifies, and says the same', (t) => {
  const changing = fc.record({
    version: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    quota: fc.nat({ max: 1_000_000 }),
    mode: fc.constantFrom(Mode.STRICT, Mode.PREPAID),
    revoked: fc.boolean(),
    expiresAt: fc.nat({ max: 4_000_000_000_000 }).map((ms) => timestampFromMs(ms)),
  });
  fc.assert(
    fc.property(changing, (more) => {
      const rights = rightsOf(more);
      const signed = signRights(rights, owner.signing);
      t.deepEqual(verifyRights(signed, ownerKeys), rights);
      t.deepEqual(readRights(signed), rights);
    }),
  );
});

test('rights against their rules are neither signed nor read', (t) => {
  const wrong = [
    rightsOf({ quota: 1_000_001 }),
    rightsOf({ version: 0 }),
    rightsOf({ mode: Mode.UNSPECIFIED }),
    rightsOf({ grantId: new Uint8Array(15) }),
    rightsOf({ secretId: 0 }),
    rightsOf({ payloadBytes: 71_303_169 }),
    rightsOf({ owner: { name: 'Not A Name', fingerprint: new Uint8Array(32) } }),
  ];
  for (const rights of wrong) t.throws(() => signRights(rights, owner.signing), rightsError);
});

test('a changed byte breaks the signature, or the rights', (t) => {
  const signed = signRights(rightsOf(), owner.signing);
  fc.assert(
    fc.property(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), (inRights, place, change) => {
      const parts = { rights: signed.rights.slice(), signature: signed.signature.slice() };
      const changed = inRights ? parts.rights : parts.signature;
      changed[place % changed.length]! ^= change;
      t.throws(() => verifyRights(create(SignedRightsSchema, parts), ownerKeys), rightsError);
    }),
  );
});

test('bytes that are no rights are refused', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (rights) => {
      const signed = create(SignedRightsSchema, { rights, signature: new Uint8Array(64) });
      t.throws(() => verifyRights(signed, ownerKeys), rightsError);
    }),
  );
});

test('rights with fields that this version does not know are refused, though signed', (t) => {
  const encoded = signRights(rightsOf(), owner.signing).rights;
  const unknown = [0xf8, 0x07, 1]; // field 127, varint 1
  const again = [0x60, 5]; // field 12 once more: a quota of 5
  for (const more of [unknown, again]) {
    const rights = Buffer.concat([encoded, Uint8Array.from(more)]);
    const signature = signWith(owner.signing, Buffer.concat([Buffer.from('glimpse/v1 rights'), rights]));
    const signed = create(SignedRightsSchema, { rights, signature });
    t.throws(() => verifyRights(signed, ownerKeys), { ...rightsError, message: /update glimpse/ });
  }
});

test('rights signed by another than the owner they name are refused', (t) => {
  t.throws(() => verifyRights(signRights(rightsOf(), stranger.signing), ownerKeys), rightsError);
  t.throws(
    () => verifyRights(signRights(rightsOf(), stranger.signing), makeKeyBundle(stranger)),
    rightsError,
  );
});
