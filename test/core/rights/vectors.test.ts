import { fromBinary, toBinary } from '@bufbuild/protobuf';
import test from 'ava';
import { makeCapsule, openCapsule } from '../../../core/rights/capsule.js';
import { signRights, verifyRights } from '../../../core/rights/signed.js';
import { publicBytes } from '../../../core/identity/keys.js';
import { CapsuleSchema, KeyBundleSchema, SignedRightsSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import { expectOutcome, vectorsOf } from '../vectors.js';
import { privateKey } from './samples.js';

for (const vector of vectorsOf('rights')) {
  test(vector.name, async (t) => {
    const ownerKeys = fromBinary(KeyBundleSchema, vector.bytes('owner-keys'));
    await expectOutcome(t, vector, () => {
      const signed = fromBinary(SignedRightsSchema, vector.body);
      const rights = verifyRights(signed, ownerKeys);
      const again = signRights(rights, privateKey('ed25519', vector.bytes('signing-private-key')));
      t.deepEqual(Buffer.from(toBinary(SignedRightsSchema, again)), vector.body);
    });
  });
}

for (const vector of vectorsOf('capsule')) {
  test(vector.name, async (t) => {
    const agreement = privateKey('x25519', vector.bytes('viewer-private-key'));
    await expectOutcome(t, vector, async () => {
      const capsule = await openCapsule(vector.body, agreement);
      t.deepEqual(Buffer.from(toBinary(CapsuleSchema, capsule)), vector.bytes('capsule'));
      const slot = await makeCapsule(capsule, publicBytes(agreement), vector.bytes('seed'));
      t.deepEqual(Buffer.from(slot), vector.body);
    });
  });
}
