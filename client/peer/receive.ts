/**
 * Taking in a delivery: decided from the announcement alone, streamed to the side, and only what is whole, mine
 * and as announced enters the inbox. Acknowledged after that. docs/protocol.md, "Peers", "Delivering".
 */
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { capacity } from '../../core/carrier/layout/shape.js';
import { fileSource } from '../../core/carrier/source.js';
import { readCarrier } from '../../core/carrier/read.js';
import { FormatError } from '../../core/format-error.js';
import { fingerprintOf } from '../../core/identity/keys.js';
import { LIMITS } from '../../core/limits.js';
import { openCapsule } from '../../core/rights/capsule.js';
import { verifyRights } from '../../core/rights/signed.js';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import { fileKeyCommitment } from '../../core/seal/keys.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Parcel } from '../../gen/glimpse/v1/peer_pb.js';
import type { Rights } from '../../gen/glimpse/v1/rights_pb.js';
import { VaultError } from '../vault/failures.js';
import type { IncomingCarrier } from '../vault/incoming.js';
import type { Contact, Held } from '../vault/records.js';
import type { Workings } from './workings.js';

/** A parcel whose announcement holds what it must. */
export interface CheckedParcel {
  readonly parcel: Parcel;
  readonly rights: Rights;
  readonly sender: Contact;
}

/** A carrier is at most twice its payload, with a slot and the noise around it. */
const overheadBytesMax = 16 * 1024 * 1024;

/** @throws Refused BAD_SIGNATURE, NOT_YOURS, WRONG_CLOUD, KEY_CHANGED, BAD_CARRIER */
export function checkParcel(parcel: Parcel, sender: Contact, { self, vault }: Workings): CheckedParcel {
  const rights = checkRights(parcel, sender);
  if (!same(rights.viewer!.fingerprint, self.fingerprint)) {
    throw new Refused(Reason.NOT_YOURS, 'These rights are for another viewer: nothing was taken.');
  }
  if (!same(rights.cloudId, self.cloudId)) {
    throw new Refused(Reason.WRONG_CLOUD, 'These rights are of another cloud: nothing was taken.');
  }
  if (!same(rights.grantId, parcel.grantId))
    throw bad('is announced as another grant than its rights are of');
  // A grant's id is drawn by whoever gives it: another may name it too.
  const given = vault.held.get(parcel.grantId)?.owner ?? sender;
  if (!same(given.fingerprint, sender.fingerprint)) {
    throw new Refused(
      Reason.KEY_CHANGED,
      `This grant was given with another key, by ${given.name}: nothing was taken.`,
    );
  }
  const bytesMax = Math.min(LIMITS.carrierBytesMax, 3 * rights.payloadBytes + overheadBytesMax);
  if (parcel.carrierBytes > bytesMax) throw bad('is announced far larger than what it carries');
  return { parcel, rights, sender };
}

function checkRights(parcel: Parcel, sender: Contact): Rights {
  if (!parcel.signedRights || !parcel.ownerKeys) throw bad('comes without rights');
  if (!same(fingerprintOf(parcel.ownerKeys), sender.fingerprint)) {
    throw new Refused(
      Reason.BAD_SIGNATURE,
      'The sender is not the owner of this picture: nothing was taken.',
    );
  }
  try {
    return verifyRights(parcel.signedRights, sender.keys);
  } catch (error) {
    if (error instanceof FormatError) throw new Refused(Reason.BAD_SIGNATURE, error.message);
    throw error;
  }
}

/** This very snapshot was taken before, and its file is where it was put: the acknowledgement got lost. */
export function isTaken(held: Held | undefined, { snapshot }: Parcel): boolean {
  return (
    held?.picture !== undefined && same(held.picture.snapshot, snapshot) && existsSync(held.picture.file)
  );
}

/**
 * Begins to take a parcel: `offset` of what is returned is where its sender goes on.
 * @throws Refused SENDER_LIMIT when as many others are coming in as may
 */
export async function beginReceiving(
  { parcel }: CheckedParcel,
  { vault }: Workings,
): Promise<IncomingCarrier> {
  const incoming = await vault.incoming.open(parcel);
  if (incoming === 'busy') {
    throw new Refused(
      Reason.SENDER_LIMIT,
      'This picture, or as many others as may, is coming in just now: try again.',
    );
  }
  return incoming;
}

/**
 * Writes the pieces down; what is whole, mine and as announced is in the inbox on return. Broken off, it waits to
 * be resumed; wrong, or more than the disk holds, it is removed.
 * @throws Refused BAD_STREAM, BAD_CARRIER; VaultError; Unreachable when the pieces end too early
 */
export async function receive(
  checked: CheckedParcel,
  incoming: IncomingCarrier,
  pieces: AsyncIterable<Uint8Array>,
  asked: boolean,
  workings: Workings,
): Promise<Held> {
  const { parcel, sender, rights } = checked;
  try {
    await write(parcel, incoming, pieces);
    await checkStaged(checked, incoming, workings);
    const held = await incoming.take({
      owner: { name: sender.name, keys: sender.keys, fingerprint: sender.fingerprint },
      signedRights: parcel.signedRights!,
      leader: parcel.leader,
      asked,
      receivedAtMs: workings.edge.clock(),
    });
    if (!held) throw bad('is not the one that was announced');
    workings.acknowledge({ grantId: rights.grantId, version: held.version });
    return held;
  } catch (error) {
    // Half a picture is not to keep a full disk full.
    const full = error instanceof VaultError && error.problem === 'full';
    if (error instanceof Refused || full) await incoming.discard();
    throw error;
  } finally {
    await incoming.close();
  }
}

async function write(
  parcel: Parcel,
  incoming: IncomingCarrier,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  if (incoming.size < parcel.carrierBytes) {
    for await (const piece of pieces) {
      if (!(await incoming.write(piece))) {
        throw new Refused(Reason.BAD_STREAM, 'The sender sends more than it announced: nothing was taken.');
      }
      if (incoming.size === parcel.carrierBytes) break;
    }
  }
  if (incoming.size < parcel.carrierBytes)
    throw new Unreachable('The picture broke off before it was whole.');
}

/** The capsule is for this client and says what was announced. The payload itself is checked before each view. */
async function checkStaged(
  { parcel, rights }: CheckedParcel,
  incoming: IncomingCarrier,
  { self }: Workings,
): Promise<void> {
  const handle = await open(incoming.path, 'r');
  try {
    const carrier = await readCarrier(await fileSource(handle));
    const capsule = await openCapsule(carrier.slot, self.keys.agreement);
    if (!same(capsule.signedRights!.rights, parcel.signedRights!.rights)) {
      throw bad('holds other rights than were announced');
    }
    if (!same(fileKeyCommitment(capsule.fileKey), rights.fileKeyCommitment)) {
      throw bad('holds another key than its rights are for');
    }
    if (capacity(carrier.shape) < rights.payloadBytes) throw bad('is too small for what it is said to hold');
  } catch (error) {
    if (error instanceof FormatError) throw new Refused(Reason.BAD_CARRIER, error.message);
    throw error;
  } finally {
    await handle.close();
  }
}

function bad(what: string): Refused {
  return new Refused(Reason.BAD_CARRIER, `The picture ${what}: nothing was taken.`);
}

const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
