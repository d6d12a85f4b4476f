import test from 'ava';
import { cloudKey, fileKeyCommitment, photoKey, ticketKey } from '../../../core/seal/keys.js';
import { patterned } from '../streams.js';

const secret = patterned(32, 1);
const hiding = {
  sealId: patterned(32, 2),
  ownerFingerprint: patterned(32, 3),
  imageId: patterned(16, 4),
};
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('a secret gives a key for each purpose, always the same', (t) => {
  const keys = [cloudKey(secret, hiding), photoKey(secret), fileKeyCommitment(secret), ticketKey(secret)];
  t.true(keys.every((key) => key.length === 32));
  t.is(new Set(keys.map(hex)).size, keys.length);
  t.deepEqual(photoKey(secret), photoKey(secret));
});

test('whatever a hiding is bound to changes its key', (t) => {
  const keys = [
    cloudKey(secret, hiding),
    cloudKey(patterned(32, 9), hiding),
    cloudKey(secret, { ...hiding, sealId: patterned(32, 9) }),
    cloudKey(secret, { ...hiding, ownerFingerprint: patterned(32, 9) }),
    cloudKey(secret, { ...hiding, imageId: patterned(16, 9) }),
  ];
  t.is(new Set(keys.map(hex)).size, keys.length);
});

test('bytes cannot move from one bound part to the next', (t) => {
  const joined = Buffer.concat([hiding.ownerFingerprint, hiding.imageId]);
  const moved = { ...hiding, ownerFingerprint: joined.subarray(0, 31), imageId: joined.subarray(31) };
  t.notDeepEqual(cloudKey(secret, moved), cloudKey(secret, hiding));
});
