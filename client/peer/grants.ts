/**
 * Giving: one grant for a viewer's key and an image. Every step is durable before the next, and each may be done
 * again: nothing is lost or given twice. docs/protocol.md, "Peers", "Granting".
 */
import { create, fromBinary } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { readRights, signRights, verifyRights } from '../../core/rights/signed.js';
import { Refused } from '../../core/rpc/errors.js';
import { fileKeyCommitment } from '../../core/seal/keys.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { RightsSchema, SignedRightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import type { HidingProgress } from '../cloud/hide.js';
import type { Carrier, Contact, Given, Peer } from '../vault/records.js';
import type { Gallery, Photo } from '../gallery/gallery.js';
import type { Hidings } from './hidings.js';
import { PEER_LIMITS } from './limits.js';
import { modeOf } from './rules/change.js';
import type { Workings } from './workings.js';

export interface Terms {
  readonly views: number;
  /** Ms since 1970; null: never. */
  readonly expiresAtMs: number | null;
  readonly cover: string;
  /** Views that may be unlocked ahead; 0: strict. */
  readonly batchViewsMax: number;
}

export interface Gift {
  readonly viewer: Contact;
  readonly imageId: Uint8Array;
  readonly gallery: Gallery;
  /** Asked for only where it must be hidden. @throws Refused UNKNOWN_PHOTO, BAD_PHOTO */
  readonly photo: () => Promise<Photo>;
  /** Of a new grant. */
  readonly terms: Terms;
  /** By the viewer, for whom a new key brings no new views. What the owner shares herself is as she says. */
  readonly asked: boolean;
}

export class Grants {
  readonly #workings: Workings;
  readonly #hidings: Hidings;
  readonly #underWay = new Map<string, Promise<Given>>();

  constructor(workings: Workings, hidings: Hidings) {
    this.#workings = workings;
    this.#hidings = hidings;
  }

  /**
   * The grant that this viewer key has for this photo, in the ledger and with its carrier here: the one there is,
   * its terms unchanged, or a new one.
   */
  async give(gift: Gift, progress: HidingProgress): Promise<Given> {
    const key = Buffer.concat([gift.viewer.fingerprint, gift.imageId]).toString('hex');
    const underWay = this.#underWay.get(key);
    if (underWay) return underWay;
    const giving = this.#give(gift, progress);
    this.#underWay.set(key, giving);
    try {
      return await giving;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #give(gift: Gift, progress: HidingProgress): Promise<Given> {
    const { vault } = this.#workings;
    const { viewer, imageId } = gift;
    const known = vault.given.find(viewer.fingerprint, imageId) ?? (await this.#begin(gift, progress));
    if (known.currentVersion > 0) return this.#withCarrier(known, gift, progress);
    progress('registering', '', 0);
    return this.#withCarrier(await this.register(known), gift, progress);
  }

  async #begin(gift: Gift, progress: HidingProgress): Promise<Given> {
    const { vault, edge } = this.#workings;
    const { viewer, gallery } = gift;
    const before = this.#before(gift);
    const terms = before && gift.asked ? await this.#remaining(before) : gift.terms;
    const photo = await gift.photo();
    const carrier = await this.#hidings.of(gallery, photo, terms.cover, progress);
    const signedRights = this.#first(viewer, photo, terms, carrier);
    const { name, path } = photo;
    const grant = { viewer: peerOf(viewer), photo: { name, path }, signedRights };
    return vault.transact(() => {
      const given = vault.given.give(grant, edge.clock());
      vault.outbox.add({ kind: 'rights-put', grantId: given.grantId, version: 1 }, edge.clock());
      if (before) this.#end(before);
      return given;
    });
  }

  /** The grant that this viewer has for this photo under a key that was replaced since. */
  #before({ viewer, imageId }: Gift): Given | undefined {
    return this.#workings.vault.given
      .underOtherKeys(viewer.name, viewer.fingerprint, imageId)
      .find(({ current }) => current !== undefined);
  }

  /** A new key brings no new views: what is left, under the same terms. @throws Refused REVOKED; Unreachable */
  async #remaining({ grantId, photo, viewer }: Given): Promise<Terms> {
    const { cloud, vault } = this.#workings;
    const [status] = await cloud.readGrants([grantId]);
    const rights = readRights(status?.signedRights ?? vault.given.get(grantId)!.current!);
    if (rights.revoked) {
      throw new Refused(Reason.REVOKED, `The rights of ${viewer.name} to ${photo.name} were revoked before.`);
    }
    const { sealId, quota, batchViewsMax, expiresAt } = rights;
    return {
      views: Math.max(0, quota - (status?.used ?? 0)),
      expiresAtMs: expiresAt ? timestampMs(expiresAt) : null,
      cover: vault.carriers.get(sealId)?.cover ?? 'preview',
      batchViewsMax,
    };
  }

  /** The key that it was given to is lost, or somebody else's: nobody needs it any more. */
  #end({ grantId, currentVersion, wish }: Given): void {
    const { vault, edge } = this.#workings;
    if (wish !== undefined) return;
    vault.given.setWish(grantId, JSON.stringify({ next: { revoke: true } }));
    vault.outbox.add({ kind: 'rights-put', grantId, version: currentVersion + 1 }, edge.clock());
  }

  #first(viewer: Contact, photo: Photo, terms: Terms, carrier: Carrier): SignedRights {
    const { self, edge } = this.#workings;
    const rights = create(RightsSchema, {
      grantId: edge.randomBytes(16),
      cloudId: self.cloudId,
      imageId: photo.imageId,
      owner: { name: self.name, fingerprint: self.fingerprint },
      viewer: { name: viewer.name, fingerprint: viewer.fingerprint },
      ...hidingOf(carrier),
      version: 1,
      quota: terms.views,
      batchViewsMax: terms.batchViewsMax,
      mode: modeOf(terms),
      ...(terms.expiresAtMs !== null && { expiresAt: timestampFromMs(terms.expiresAtMs) }),
    });
    return signRights(rights, self.keys.signing);
  }

  /** Puts version 1. If the ledger has a grant for the pair (this vault was restored), that one counts. */
  async register(given: Given): Promise<Given> {
    const { cloud, vault } = this.#workings;
    try {
      await cloud.putRights(given.pending!);
    } catch (error) {
      if (!(error instanceof Refused) || error.reason !== Reason.GRANT_EXISTS) throw error;
      return this.#adopt(given, this.currentOf(error));
    }
    return this.settled(given.pending!) ?? vault.given.get(given.grantId)!;
  }

  #adopt(given: Given, signedRights: SignedRights): Given {
    const { vault, edge } = this.#workings;
    return vault.given.adopt(signedRights, given, edge.clock());
  }

  /** The ledger has these rights: what waited for that is done. */
  settled(signedRights: SignedRights): Given | undefined {
    const { vault } = this.#workings;
    // Undone by a power failure, the same rights are put again, and the ledger says yes again.
    return vault.note(() => {
      const given = vault.given.settle(signedRights);
      if (!given) return undefined;
      for (const item of vault.outbox.list()) {
        const ofGrant = Buffer.compare(item.grantId, given.grantId) === 0;
        if (ofGrant && item.kind === 'rights-put' && item.version <= given.currentVersion)
          vault.outbox.done(item.id);
      }
      return given;
    });
  }

  /** The current rights that a refusal carries, checked to be mine, and of this grant. @throws Refused BAD_SIGNATURE */
  currentOf(refused: Refused, grantId?: Uint8Array): SignedRights {
    try {
      const signed = fromBinary(SignedRightsSchema, Buffer.from(refused.metadata['current'] ?? '', 'base64'));
      const rights = verifyRights(signed, this.#workings.self.bundle);
      if (grantId && Buffer.compare(grantId, rights.grantId) !== 0)
        throw new Error('they are of another grant');
      return signed;
    } catch (cause) {
      throw new Refused(
        Reason.BAD_SIGNATURE,
        `The ledger has rights that are not yours, or of another grant: ${String(cause)}`,
      );
    }
  }

  /** A grant whose carrier is gone is hidden anew, and its rights bind the new hiding. */
  async #withCarrier(given: Given, gift: Gift, progress: HidingProgress): Promise<Given> {
    const { vault } = this.#workings;
    let now = given;
    for (let put = 0; put < PEER_LIMITS.putsMax && !now.pending; put += 1) {
      const rights = readRights(now.current!);
      if (rights.revoked || vault.carriers.available(rights.sealId)) return now;
      const carrier = await this.#hidings.of(gift.gallery, await gift.photo(), gift.terms.cover, progress);
      now = await this.#propose(now, { ...rights, ...hidingOf(carrier), version: rights.version + 1 });
    }
    if (now.pending && vault.carriers.available(readRights(now.current!).sealId)) return now;
    throw new Refused(Reason.VERSION_CONFLICT, 'The rights are being changed just now: try again.');
  }

  /** Puts `next`, or settles the version that won instead. @throws Unreachable: the outbox has it */
  async #propose({ grantId }: Given, next: Rights): Promise<Given> {
    const { vault, cloud, self, edge } = this.#workings;
    const signed = signRights(next, self.keys.signing);
    const proposed = vault.transact(() => {
      if (!vault.given.propose(signed)) return false;
      vault.outbox.add({ kind: 'rights-put', grantId, version: next.version }, edge.clock());
      return true;
    });
    if (!proposed) return vault.given.get(grantId)!;
    try {
      await cloud.putRights(signed);
      return this.settled(signed)!;
    } catch (error) {
      if (!(error instanceof Refused) || error.reason !== Reason.VERSION_CONFLICT) throw error;
      return this.settled(this.currentOf(error, grantId))!;
    }
  }
}

function hidingOf(carrier: Carrier) {
  return {
    sealId: carrier.sealId,
    secretId: carrier.secretId,
    payloadDigest: carrier.payloadDigest,
    payloadBytes: carrier.payloadBytes,
    fileKeyCommitment: fileKeyCommitment(carrier.fileKey),
  };
}

function peerOf({ name, keys, fingerprint }: Contact): Peer {
  return { name, keys, fingerprint };
}
