/** Photographs as large as telephones make them come back byte for byte. */
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { makeCover } from '../../client/gallery/covers.js';
import { coverOf } from '../../core/carrier/cover.js';
import { readCarrier } from '../../core/carrier/read.js';
import { fileSource } from '../../core/carrier/source.js';
import { openCapsule } from '../../core/rights/capsule.js';
import { verifyRights } from '../../core/rights/signed.js';
import { cloudKey } from '../../core/seal/keys.js';
import { openPhoto } from '../../core/seal/photo.js';
import { open as openSealed } from '../../core/seal/seal.js';
import { collect, same } from '../core/streams.js';
import { secret } from '../server/stego/hiding.js';
import { bands, digestOf, hidePhoto, viewer } from './hidden-photo.js';
import { largePhotographs, temporaryFolder } from './prerequisites.js';

test.after.always(() => bands.close());

test('photographs of 12 megapixels, hidden behind their previews, come back byte for byte', async (t) => {
  const folder = await temporaryFolder(t);
  for (const photo of largePhotographs(t)) {
    const name = path.basename(photo);
    const original = await readFile(photo);
    const thumbnail = () =>
      sharp(original).autoOrient().resize(320, 320, { fit: 'inside' }).webp().toBuffer();
    const cover = await makeCover('preview', { thumbnail, seed: new Uint8Array(32) });
    const file = path.join(folder, `${name}.png`);
    const hidden = await hidePhoto(file, { photo, cover });
    t.log(`${name}: ${original.length} bytes in a carrier of ${hidden.carrier.length}`);
    t.false(hidden.carrier.includes(original.subarray(-64)), 'a piece of the photo lies open in the carrier');

    const handle = await open(file, 'r');
    try {
      const source = await fileSource(handle);
      const carrier = await readCarrier(source);
      const { signedRights, ownerKeys, fileKey } = await openCapsule(carrier.slot, viewer.agreement);
      const rights = verifyRights(signedRights!, ownerKeys!);
      const { sealId, imageId } = rights;
      const key = cloudKey(secret, { sealId, imageId, ownerFingerprint: rights.owner!.fingerprint });
      const locked = openSealed(key, carrier.payload(rights.payloadBytes), 'cloud-lock');
      const { header, bytes } = await openPhoto(fileKey, imageId, locked);
      t.deepEqual(header, hidden.header);
      t.is(digestOf(await collect(bytes)), digestOf(original), name);

      const shown = await sharp(await coverOf(source))
        .raw()
        .toBuffer();
      t.true(same(shown, hidden.cover.samples));
    } finally {
      await handle.close();
    }
  }
});
