import { create } from '@bufbuild/protobuf';
import test from 'ava';
import fc from 'fast-check';
import { FormatError } from '../../../core/format-error.js';
import { photoKey } from '../../../core/seal/keys.js';
import { openPhoto, sealPhoto, sealedPhotoBytes } from '../../../core/seal/photo.js';
import { open, seal } from '../../../core/seal/seal.js';
import { PhotoHeaderSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import { collect, cutAt, inChunks, patterned, places, same } from '../streams.js';

const fileKey = patterned(32, 1);
const imageId = patterned(16, 2);
const photoError = { instanceOf: FormatError, message: /^photo: / };

function headerOf(photoBytes: number, more: { readonly format?: number; readonly name?: string } = {}) {
  return create(PhotoHeaderSchema, {
    format: 1,
    imageId,
    name: 'boats at dawn.jpg',
    mediaType: 'image/jpeg',
    photoBytes,
    ...more,
  });
}

test('a photo comes back with its header, however the stream is cut', async (t) => {
  const cases = fc
    .oneof(fc.constantFrom(1, 65_400, 65_460, 65_536, 131_072), fc.integer({ min: 1, max: 200_000 }))
    .chain((bytes) => fc.tuple(fc.constant(patterned(bytes, bytes)), places(bytes), places(bytes)));
  await fc.assert(
    fc.asyncProperty(cases, async ([photo, first, second]) => {
      const header = headerOf(photo.length);
      const sealed = await collect(sealPhoto(fileKey, header, cutAt(photo, first)));
      t.is(sealed.length, sealedPhotoBytes(header));
      const opened = await openPhoto(fileKey, imageId, cutAt(sealed, second));
      t.deepEqual(opened.header, header);
      t.true(same(await collect(opened.bytes), photo));
    }),
    { numRuns: 40 },
  );
});

test('a photo that is not as long as announced is not sealed', async (t) => {
  for (const announced of [99, 101]) {
    await t.throwsAsync(
      collect(sealPhoto(fileKey, headerOf(announced), inChunks(patterned(100, 1), 30))),
      photoError,
    );
  }
});

test('headers that no reader takes are not written', (t) => {
  const photo = inChunks(patterned(1, 1), 1);
  t.throws(() => sealPhoto(fileKey, headerOf(0), photo), photoError);
  t.throws(() => sealPhoto(fileKey, headerOf(1, { name: '' }), photo), photoError);
  t.throws(() => sealPhoto(fileKey, headerOf(1, { format: 2 }), photo), photoError);
  t.throws(() => sealPhoto(fileKey, headerOf(67_108_865), photo), photoError);
});

test('another photo than the rights are for is refused before its first byte', async (t) => {
  const sealed = await collect(sealPhoto(fileKey, headerOf(3), inChunks(patterned(3, 1), 1)));
  await t.throwsAsync(openPhoto(fileKey, patterned(16, 3), inChunks(sealed, 9)), photoError);
});

test('a plaintext that is no photo is refused', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (plaintext) => {
      const sealed = await collect(seal(photoKey(fileKey), inChunks(plaintext, 64)));
      await t.throwsAsync(openPhoto(fileKey, imageId, inChunks(sealed, 64)), photoError);
    }),
  );
});

test('a photo shorter or longer than its header says is refused at its end', async (t) => {
  const sealed = await collect(sealPhoto(fileKey, headerOf(100), inChunks(patterned(100, 1), 30)));
  const plaintext = await collect(open(photoKey(fileKey), inChunks(sealed, 64), 'owner-lock'));
  for (const wrong of [plaintext.subarray(0, -1), Buffer.concat([plaintext, new Uint8Array(1)])]) {
    const opened = await openPhoto(fileKey, imageId, seal(photoKey(fileKey), inChunks(wrong, 64)));
    await t.throwsAsync(collect(opened.bytes), photoError);
  }
});
