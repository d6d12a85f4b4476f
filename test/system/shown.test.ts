/** What people see of a carrier is its cover, bit for bit: in Chromium, as in libvips (carrier.test.ts). */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import sharp from 'sharp';
import { Compression } from '../../gen/glimpse/v1/stego_pb.js';
import { patterned, same } from '../core/streams.js';
import { painted } from './chromium.js';
import { bands, hidePhoto } from './hidden-photo.js';
import { largePhotographs, program, temporaryFolder } from './prerequisites.js';

const photo = path.resolve('test/photos/locomotion-house-cat.jpg');

test.after.always(() => bands.close());

/** Hides `photo` in the cover and looks at the file through Chromium. */
async function show(
  t: ExecutionContext,
  chromium: string,
  choice: { readonly photo: string; readonly cover: Uint8Array; readonly compression?: Compression },
) {
  const file = path.join(await temporaryFolder(t), 'carrier.png');
  const { cover, carrier } = await hidePhoto(file, choice);
  const { width, height } = cover.shape;
  const seen = await painted(t, chromium, { file, width, height });
  t.deepEqual([seen.width, seen.height], [width, height]);
  t.log(
    `${width} x ${height}, ${carrier.length} bytes: ${differences(seen.samples, cover.samples)} samples differ`,
  );
  t.true(same(seen.samples, cover.samples), 'it shows something else than its cover');
  return seen;
}

function differences(one: Uint8Array, other: Uint8Array): number {
  return one.reduce((count, sample, at) => count + (sample === other[at] ? 0 : 1), 0);
}

for (const [name, compression] of [
  ['small', Compression.SMALL],
  ['fast', Compression.FAST],
] as const) {
  test.serial(`Chromium shows the photograph that is the cover, ${name}`, async (t) => {
    const chromium = program(t, 'chromium');
    if (chromium === undefined) return;
    const cover = await readFile('test/photos/landscapes/nagasaki-boats.jpg');
    await show(t, chromium, { photo, cover, compression });
  });
}

test.serial('Chromium shows every level of every colour as it is', async (t) => {
  const chromium = program(t, 'chromium');
  if (chromium === undefined) return;
  const [width, height] = [512, 384];
  const noise = sharp(patterned(3 * width * height, 5), { raw: { width, height, channels: 3 } });
  const seen = await show(t, chromium, { photo, cover: await noise.png().toBuffer() });
  t.is(new Set(seen.samples).size, 256);
});

test.serial('Chromium shows the cover of a photograph of 12 megapixels', async (t) => {
  const chromium = program(t, 'chromium');
  if (chromium === undefined) return;
  const [large] = largePhotographs(t);
  if (large === undefined) return;
  await show(t, chromium, { photo: large, cover: await sharp(large).resize(1_600).jpeg().toBuffer() });
});
