import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { numbered } from '../../../bench/table/photos.js';

test('a numbered photo has exactly the size, the same pixels, and bytes of its own', async (t) => {
  const jpeg = await sharp({ create: { width: 16, height: 16, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer();
  const pixels = await sharp(jpeg).raw().toBuffer();
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 32, max: 300_000 }), fc.nat(1_000_000), async (more, number) => {
      const bytes = jpeg.length + more;
      const photo = numbered(jpeg, bytes, number);
      t.is(photo.length, bytes);
      t.notDeepEqual(photo, numbered(jpeg, bytes, number + 1));
      t.deepEqual(await sharp(photo, { failOn: 'warning' }).raw().toBuffer(), pixels);
    }),
    { numRuns: 30 },
  );
});
