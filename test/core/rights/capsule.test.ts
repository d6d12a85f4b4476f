import { create } from '@bufbuild/protobuf';
import { Aes256Gcm, CipherSuite, HkdfSha256 } from '@hpke/core';
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
import test from 'ava';
import fc from 'fast-check';
import { FormatError } from '../../../core/format-error.js';
import { makeKeyBundle, publicBytes } from '../../../core/identity/keys.js';
import { makeCapsule, openCapsule } from '../../../core/rights/capsule.js';
import { signRights } from '../../../core/rights/signed.js';
import { CapsuleSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import { patterned } from '../streams.js';
import { owner, rightsOf, stranger, viewer } from './samples.js';

const capsule = create(CapsuleSchema, {
  signedRights: signRights(rightsOf(), owner.signing),
  ownerKeys: makeKeyBundle(owner),
  fileKey: patterned(32, 5),
});
const seed = patterned(32, 6);
const viewerKey = publicBytes(viewer.agreement);
const slotError = { instanceOf: FormatError, message: /^slot: / };
const capsuleError = { instanceOf: FormatError, message: /^capsule: / };

/** Encrypts whatever it is given, as a hostile owner could. */
async function slotOf(plain: Uint8Array): Promise<Uint8Array> {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const recipientPublicKey = await suite.kem.deserializePublicKey(viewerKey);
  const info = Buffer.from('glimpse/v1 capsule');
  const sender = await suite.createSenderContext({ recipientPublicKey, info, ekm: seed });
  return Buffer.concat([new Uint8Array(sender.enc), new Uint8Array(await sender.seal(plain))]);
}

test('the viewer opens what was made for them', async (t) => {
  const slot = await makeCapsule(capsule, viewerKey, seed);
  t.is(slot.length, 2_048);
  t.deepEqual(await openCapsule(slot, viewer.agreement), capsule);
});

test('the seed alone makes two slots differ', async (t) => {
  const slot = await makeCapsule(capsule, viewerKey, seed);
  t.deepEqual(await makeCapsule(capsule, viewerKey, seed), slot);
  t.notDeepEqual(await makeCapsule(capsule, viewerKey, patterned(32, 9)), slot);
});

test('nobody else opens it, and noise holds nothing', async (t) => {
  const slot = await makeCapsule(capsule, viewerKey, seed);
  await t.throwsAsync(openCapsule(slot, stranger.agreement), slotError);
  await t.throwsAsync(openCapsule(patterned(2_048, 1), viewer.agreement), slotError);
  await t.throwsAsync(openCapsule(new Uint8Array(2_048), viewer.agreement), slotError);
  await t.throwsAsync(openCapsule(slot.subarray(1), viewer.agreement), slotError);
});

test('a changed byte is found', async (t) => {
  const slot = await makeCapsule(capsule, viewerKey, seed);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 2_047 }), fc.integer({ min: 1, max: 255 }), async (place, change) => {
      const changed = Uint8Array.from(slot);
      changed[place]! ^= change;
      // The top bit of the encapsulated key is ignored by X25519, but bound by the key schedule.
      await t.throwsAsync(openCapsule(changed, viewer.agreement), slotError);
    }),
    { numRuns: 50 },
  );
});

test('whatever is encrypted to the viewer, only a capsule is read', async (t) => {
  const hostile = [[], [255, 255], [7, 207], [0, 0, 1], [0, 1, 8], [0, 2, 10, 0, 1]];
  for (const start of hostile) {
    const plain = Buffer.alloc(2_000);
    plain.set(start);
    await t.throwsAsync(openCapsule(await slotOf(plain), viewer.agreement), capsuleError);
  }
});

test('a key that cannot be encrypted to is refused', async (t) => {
  await t.throwsAsync(makeCapsule(capsule, new Uint8Array(32), seed), capsuleError);
  await t.throwsAsync(makeCapsule(capsule, new Uint8Array(31), seed), capsuleError);
});
