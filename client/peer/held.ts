/**
 * Rights that come for what this client holds, from the owner or from the cloud: checked, durable, and then put
 * into the picture itself. The highest version wins; only the ledger's counts. docs/protocol.md, "Peers".
 */
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { create } from '@bufbuild/protobuf';
import pLimit from 'p-limit';
import { readCarrier } from '../../core/carrier/read.js';
import { fileSource } from '../../core/carrier/source.js';
import { snapshot } from '../../core/carrier/encapsulate.js';
import { FormatError } from '../../core/format-error.js';
import { checkKeyBundle, fingerprintOf } from '../../core/identity/keys.js';
import { makeCapsule, openCapsule } from '../../core/rights/capsule.js';
import { readRights, verifyRights } from '../../core/rights/signed.js';
import { Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { KeyBundle, Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import { CapsuleSchema, Mode } from '../../gen/glimpse/v1/rights_pb.js';
import type { Held } from '../vault/records.js';
import { StagedFile } from '../vault/staged-file.js';
import type { Workings } from './workings.js';

export class HeldRights {
  readonly #workings: Workings;
  /** One picture at a time: it is background work. */
  readonly #limit = pLimit(1);

  constructor(workings: Workings) {
    this.#workings = workings;
  }

  /**
   * Keeps rights if they are newer: durable on return. Returns the grant and the version held now.
   * @throws Refused BAD_SIGNATURE, NOT_YOURS, WRONG_CLOUD, KEY_CHANGED, SENDER_LIMIT
   */
  take(
    signedRights: SignedRights,
    ownerKeys: KeyBundle,
  ): { readonly grantId: Uint8Array; readonly version: number } {
    const { vault, self, tell } = this.#workings;
    const rights = checked(signedRights, ownerKeys);
    if (!same(rights.viewer!.fingerprint, self.fingerprint)) {
      throw new Refused(Reason.NOT_YOURS, 'These rights are for another viewer.');
    }
    if (!same(rights.cloudId, self.cloudId))
      throw new Refused(Reason.WRONG_CLOUD, 'These rights are of another cloud.');
    const owner = { name: rights.owner!.name, keys: ownerKeys, fingerprint: fingerprintOf(ownerKeys) };
    this.#checkOwner(rights, owner.fingerprint);
    const before = vault.held.get(rights.grantId)?.version ?? 0;
    const version = vault.held.update({ owner, signedRights });
    // What was unlocked ahead is not given back: it may not be shown without the cloud any more.
    const stands = version === rights.version && (rights.revoked || rights.mode !== Mode.PREPAID);
    if (stands) vault.prepaid.drop(rights.grantId);
    if (version === undefined)
      throw new Refused(Reason.SENDER_LIMIT, 'Too many rights without a picture: deliver some.');
    if (before > 0 && version > before) {
      tell(`${owner.name} changed the rights of ${hex(rights.grantId).slice(0, 8)}`);
    }
    return { grantId: rights.grantId, version };
  }

  /**
   * What the ledger tells when it is asked may be newer than what it sent. It is kept, or it would be forgotten as soon
   * as the ledger cannot be asked; what is no rights of this grant's owner is not. Returns what is held now.
   */
  learn(held: Held, told: SignedRights | undefined): Held {
    if (!told || readRights(told).version <= held.version) return held;
    try {
      this.take(told, held.owner.keys);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#workings.tell(`the cloud told of rights that were not taken: ${error.message}`);
    }
    return this.#workings.vault.held.get(held.grantId) ?? held;
  }

  /** Puts the newest rights into the held picture. Never fails: the picture stays as it is where that cannot be done. */
  async encapsulate(grantId: Uint8Array): Promise<void> {
    await this.#limit(async () => {
      const held = this.#workings.vault.held.get(grantId);
      if (!held?.picture) return;
      try {
        await this.#encapsulate(held, held.picture.file);
      } catch (error) {
        this.#workings.tell(`the rights in ${held.picture.file} could not be renewed: ${String(error)}`);
      }
    });
  }

  /** A grant stays with the key it was given under; a new one must be by the pinned key of its owner. */
  #checkOwner(rights: Rights, fingerprint: Uint8Array): void {
    const { vault } = this.#workings;
    const known = vault.held.get(rights.grantId)?.owner ?? vault.contacts.get(rights.owner!.name);
    if (known && !same(known.fingerprint, fingerprint)) {
      throw new Refused(
        Reason.KEY_CHANGED,
        `These rights are signed with another key than the one known of ${known.name}.`,
      );
    }
  }

  async #encapsulate(held: Held, file: string): Promise<void> {
    const { vault, self, edge } = this.#workings;
    const handle = await open(file, 'r');
    try {
      const source = await fileSource(handle);
      const { slot, resaved } = await readCarrier(source);
      const capsule = await openCapsule(slot, self.keys.agreement);
      const [inside, newest] = [readRights(capsule.signedRights!), readRights(held.signedRights)];
      if (resaved || inside.version >= newest.version || !same(inside.sealId, newest.sealId)) return;
      const renewed = create(CapsuleSchema, { ...capsule, signedRights: held.signedRights });
      const renewedSlot = await makeCapsule(renewed, self.bundle.agreementKey, edge.randomBytes(32));
      const staged = await StagedFile.begin(path.join(vault.home.incoming, `${randomUUID()}.part`));
      try {
        const renewedPicture = await snapshot(source, renewedSlot);
        for await (const piece of renewedPicture()) await staged.write(piece);
        await staged.settle(file);
      } catch (error) {
        await staged.discard();
        throw error;
      }
    } finally {
      await handle.close();
    }
  }
}

function checked(signedRights: SignedRights, ownerKeys: KeyBundle): Rights {
  try {
    checkKeyBundle(ownerKeys);
    return verifyRights(signedRights, ownerKeys);
  } catch (error) {
    if (error instanceof FormatError) throw new Refused(Reason.BAD_SIGNATURE, error.message);
    throw error;
  }
}

const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
