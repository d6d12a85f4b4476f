/** A photo file brought through all that an owner and a leader do with it, as far as the file a viewer holds. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { create } from '@bufbuild/protobuf';
import { snapshot } from '../../core/carrier/encapsulate.js';
import { bytesSource } from '../../core/carrier/source.js';
import type { Shape } from '../../core/carrier/layout/shape.js';
import { makeKeyBundle } from '../../core/identity/keys.js';
import { makeCapsule } from '../../core/rights/capsule.js';
import { signRights } from '../../core/rights/signed.js';
import { fileKeyCommitment } from '../../core/seal/keys.js';
import { sealPhoto } from '../../core/seal/photo.js';
import { CapsuleSchema, PhotoHeaderSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { PhotoHeader } from '../../gen/glimpse/v1/rights_pb.js';
import type { HideDone, Compression } from '../../gen/glimpse/v1/stego_pb.js';
import { Covers } from '../../server/stego/cover.js';
import type { Raster } from '../../server/stego/cover.js';
import { Hiding } from '../../server/stego/hide.js';
import { owner, partyOf, rightsOf, viewer } from '../core/rights/samples.js';
import { collect, inChunks } from '../core/streams.js';
import { imageId, makeLeader, partsOf, requestsOf } from '../server/stego/hiding.js';

/** Who may look at it. */
export { viewer } from '../core/rights/samples.js';
/** Closes the leader's threads: after the last test. */
export { bands } from '../server/stego/hiding.js';

export interface HiddenPhoto {
  readonly header: PhotoHeader;
  /** What the leader answered last. */
  readonly done: HideDone;
  /** What everyone is meant to see: RGB, 8 bits a sample. */
  readonly cover: Raster;
  readonly carrier: Buffer;
}

export interface HidingChoice {
  readonly photo: string;
  readonly cover: Uint8Array;
  readonly compression?: Compression;
}

/** Seals the photo under a key of its own and has it hidden; writes the viewer's file, with his capsule in it. */
export async function hidePhoto(
  file: string,
  { photo, cover, compression }: HidingChoice,
): Promise<HiddenPhoto> {
  const bytes = await readFile(photo);
  const fileKey = new Uint8Array(randomBytes(32));
  const header = create(PhotoHeaderSchema, {
    format: 1,
    imageId,
    name: path.basename(photo),
    mediaType: 'image/jpeg',
    photoBytes: bytes.length,
  });
  const sealed = await collect(sealPhoto(fileKey, header, inChunks(bytes, 65_536)));
  const hidden = await hide({ cover, sealed, ...(compression !== undefined && { compression }) });
  const carrier = await encapsulated(hidden, fileKey);
  await writeFile(file, carrier);
  return { ...hidden, header, carrier };
}

type Hidden = Pick<HiddenPhoto, 'done' | 'cover' | 'carrier'>;

async function hide(sending: Parameters<typeof partsOf>[0]): Promise<Hidden> {
  const covers = new Covers();
  let cover: Raster | undefined;
  const raster = async (picture: Uint8Array, shapeFor: (proportions: number) => Shape) =>
    (cover = await covers.raster(picture, shapeFor));
  const leader = new Hiding({ ...makeLeader(), covers: { raster } });
  const { fingerprint } = partyOf('alice', owner);
  const pieces: Uint8Array[] = [];
  let done: HideDone | undefined;
  for await (const { part } of leader.hide(fingerprint, requestsOf(partsOf(sending)))) {
    if (part?.case === 'carrier') pieces.push(part.value);
    if (part?.case === 'done') done = part.value as HideDone;
  }
  if (cover === undefined || done === undefined) throw new Error('the leader did not come to an end');
  return { cover, done, carrier: Buffer.concat(pieces) };
}

async function encapsulated(
  { carrier, done }: Pick<HiddenPhoto, 'carrier' | 'done'>,
  fileKey: Uint8Array,
): Promise<Buffer> {
  const { sealId, secretId, payloadDigest, payloadBytes } = done;
  const rights = rightsOf({
    imageId,
    sealId,
    secretId,
    payloadDigest,
    payloadBytes,
    fileKeyCommitment: fileKeyCommitment(fileKey),
  });
  const capsule = create(CapsuleSchema, {
    signedRights: signRights(rights, owner.signing),
    ownerKeys: makeKeyBundle(owner),
    fileKey,
  });
  const slot = await makeCapsule(capsule, makeKeyBundle(viewer).agreementKey, randomBytes(32));
  return collect((await snapshot(bytesSource(carrier), slot))());
}

/** SHA-256, in hex: what two long files are compared by. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
