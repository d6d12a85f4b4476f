/**
 * Photos that were sealed here and hidden by a leader. One hiding serves every viewer of a photo under a cover.
 * docs/protocol.md, "Hiding".
 */
import { create } from '@bufbuild/protobuf';
import pLimit from 'p-limit';
import { v4 } from 'uuid';
import { sealPhoto, sealedPhotoBytes } from '../../core/seal/photo.js';
import { PhotoHeaderSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { HideDone } from '../../gen/glimpse/v1/stego_pb.js';
import type { HidingProgress } from '../cloud/hide.js';
import { hide } from '../cloud/hide.js';
import type { Carrier } from '../vault/records.js';
import type { Gallery, Photo } from '../gallery/gallery.js';
import { PEER_LIMITS } from './limits.js';
import type { Workings } from './workings.js';

const photoFormat = 1;

export class Hidings {
  readonly #workings: Workings;
  readonly #limit = pLimit(PEER_LIMITS.grantingMax);
  readonly #underWay = new Map<string, Promise<Carrier>>();

  constructor(workings: Workings) {
    this.#workings = workings;
  }

  /** The hiding of this photo under this cover: the one there is, or a new one. */
  async of(gallery: Gallery, photo: Photo, cover: string, progress: HidingProgress): Promise<Carrier> {
    const known = this.#workings.vault.carriers.find(photo.imageId, cover);
    if (known) return known;
    const key = `${Buffer.from(photo.imageId).toString('hex')} ${cover}`;
    const underWay = this.#underWay.get(key);
    if (underWay) return underWay;
    const hiding = this.#limit(() => this.#hide(gallery, photo, cover, progress));
    this.#underWay.set(key, hiding);
    try {
      return await hiding;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #hide(gallery: Gallery, photo: Photo, cover: string, progress: HidingProgress): Promise<Carrier> {
    const { cloud, servers, vault, edge } = this.#workings;
    const { imageId } = photo;
    const header = create(PhotoHeaderSchema, {
      format: photoFormat,
      imageId,
      name: photo.fileName,
      mediaType: photo.mediaType,
      photoBytes: photo.photoBytes,
    });
    // A key seals once: every attempt draws its own, so that a photo that changes in between is no second plaintext.
    let fileKey: Uint8Array = new Uint8Array();
    const hiding = {
      requestId: v4(undefined, new Uint8Array(16)),
      imageId,
      sealedBytes: sealedPhotoBytes(header),
      sealed: () => {
        fileKey = edge.randomBytes(32);
        return sealPhoto(fileKey, header, gallery.read(photo));
      },
      cover: await gallery.cover(photo, cover),
    };
    const begin = async () => {
      const writer = await vault.carriers.begin();
      return {
        write: (piece: Uint8Array) => writer.write(piece),
        discard: () => writer.discard(),
        keep: ({ leader, done }: { leader: string; done: HideDone }) =>
          writer.keep({
            sealId: done.sealId,
            secretId: done.secretId,
            payloadDigest: done.payloadDigest,
            payloadBytes: done.payloadBytes,
            fileKey,
            imageId,
            cover,
            leader,
            hiddenAtMs: edge.clock(),
          }),
      };
    };
    return hide(cloud, servers, hiding, begin, progress);
  }
}
