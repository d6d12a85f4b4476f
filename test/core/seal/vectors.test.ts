import { createHash } from 'node:crypto';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import test from 'ava';
import { cloudKey, fileKeyCommitment, photoKey, ticketKey } from '../../../core/seal/keys.js';
import { openPhoto, sealPhoto } from '../../../core/seal/photo.js';
import { open, seal } from '../../../core/seal/seal.js';
import { PhotoHeaderSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import { collect, inChunks, same } from '../streams.js';
import { expectOutcome, vectorsOf } from '../vectors.js';

for (const vector of vectorsOf('seal')) {
  test(vector.name, async (t) => {
    const key = vector.bytes('key');
    const lock = vector.value('lock') as 'cloud-lock' | 'owner-lock';
    await expectOutcome(t, vector, async () => {
      const opened = await collect(open(key, inChunks(vector.body, 1_000), lock));
      const plaintext = vector.bytes('plaintext');
      t.true(same(opened, plaintext));
      t.true(same(await collect(seal(key, inChunks(plaintext, 1_000))), vector.body));
    });
  });
}

for (const vector of vectorsOf('photo')) {
  test(vector.name, async (t) => {
    const fileKey = vector.bytes('file-key');
    await expectOutcome(t, vector, async () => {
      const opened = await openPhoto(fileKey, vector.bytes('image-id'), inChunks(vector.body, 100));
      t.true(same(await collect(opened.bytes), vector.bytes('photo')));
      const header = fromBinary(PhotoHeaderSchema, vector.bytes('header'));
      t.deepEqual(Buffer.from(toBinary(PhotoHeaderSchema, opened.header)), vector.bytes('header'));
      t.true(
        same(await collect(sealPhoto(fileKey, header, inChunks(vector.bytes('photo'), 9))), vector.body),
      );
    });
  });
}

for (const vector of vectorsOf('keys')) {
  test(vector.name, (t) => {
    const secret = vector.bytes('secret');
    const hiding = {
      sealId: vector.bytes('seal-id'),
      ownerFingerprint: vector.bytes('owner-fingerprint'),
      imageId: vector.bytes('image-id'),
    };
    t.deepEqual(Buffer.from(cloudKey(secret, hiding)), vector.bytes('cloud-key'));
    t.deepEqual(Buffer.from(ticketKey(secret)), vector.bytes('ticket-key'));
    t.deepEqual(Buffer.from(photoKey(secret)), vector.bytes('photo-key'));
    t.deepEqual(Buffer.from(fileKeyCommitment(secret)), vector.bytes('commitment'));
    t.deepEqual(createHash('sha256').update(vector.bytes('cloud-key')).digest(), vector.body);
  });
}
