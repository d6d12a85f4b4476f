/**
 * What goes out for a grant: the carrier with the viewer's capsule in its slot, a snapshot named by its digest.
 * docs/format.md, "Encapsulating".
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { snapshot } from '../../core/carrier/encapsulate.js';
import { fileSource } from '../../core/carrier/source.js';
import { makeCapsule } from '../../core/rights/capsule.js';
import { readRights } from '../../core/rights/signed.js';
import { inPieces } from '../../core/rpc/pieces.js';
import type { ParcelSchema } from '../../gen/glimpse/v1/peer_pb.js';
import { CapsuleSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { Carrier, Given } from '../vault/records.js';
import type { Workings } from './workings.js';

/** A delivery that is ready to go. To be closed. */
export interface OutgoingParcel {
  readonly parcel: MessageInitShape<typeof ParcelSchema>;
  readonly snapshot: Uint8Array;
  /** The file from `offset` on, in pieces. */
  pieces(offset: number): AsyncGenerator<Uint8Array>;
  close(): Promise<void>;
}

/** @param given a grant whose current rights are of `carrier` */
export async function openParcel(
  given: Given,
  carrier: Carrier,
  workings: Workings,
): Promise<OutgoingParcel> {
  const { vault, self } = workings;
  const signedRights = given.current!;
  const { grantId, version } = readRights(signedRights);
  const slot = await slotOf(given, version, carrier, workings);
  const handle = await open(vault.carriers.file(carrier.sealId), 'r');
  try {
    const source = await fileSource(handle);
    const bytes = await snapshot(source, slot);
    const digest = createHash('sha256');
    for await (const chunk of bytes()) digest.update(chunk);
    const named = new Uint8Array(digest.digest());
    const parcel = {
      grantId,
      snapshot: named,
      carrierBytes: source.bytes,
      leader: carrier.leader,
      signedRights,
      ownerKeys: self.bundle,
    };
    return {
      parcel,
      snapshot: named,
      pieces: (offset) => inPieces(bytes(offset)),
      close: () => closed(handle),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

const closed = (handle: FileHandle): Promise<void> => handle.close();

/** Capsules are randomised: one is made per version, and kept. */
async function slotOf(
  given: Given,
  version: number,
  carrier: Carrier,
  workings: Workings,
): Promise<Uint8Array> {
  const kept = workings.vault.given.capsule(given.grantId, version);
  if (kept) return kept;
  const ownerKeys = workings.self.bundle;
  const capsule = create(CapsuleSchema, {
    signedRights: given.current!,
    ownerKeys,
    fileKey: carrier.fileKey,
  });
  const slot = await makeCapsule(capsule, given.viewer.keys.agreementKey, workings.edge.randomBytes(32));
  return workings.vault.given.keepCapsule(given.grantId, version, slot);
}
