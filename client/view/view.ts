/**
 * One explicit view of a picture. Everything that can fail without the cloud is checked before a view is spent:
 * the file, the capsule, the rights, every byte of the payload. After unlocking, both locks are opened to the end
 * before anything is shown. The photo exists in memory only. docs/format.md, "Rights"; docs/protocol.md, "Unlocking".
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { coverOf } from '../../core/carrier/cover.js';
import type { Carrier } from '../../core/carrier/read.js';
import { readCarrier } from '../../core/carrier/read.js';
import type { Source } from '../../core/carrier/source.js';
import { fileSource } from '../../core/carrier/source.js';
import { FormatError } from '../../core/format-error.js';
import { checkKeyBundle } from '../../core/identity/keys.js';
import { openCapsule } from '../../core/rights/capsule.js';
import { readRights, verifyRights } from '../../core/rights/signed.js';
import { Refused } from '../../core/rpc/errors.js';
import { fileKeyCommitment } from '../../core/seal/keys.js';
import { openPhoto } from '../../core/seal/photo.js';
import { open as openSealed } from '../../core/seal/seal.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Capsule, Rights } from '../../gen/glimpse/v1/rights_pb.js';
import type { BegunView, Unlocked } from '../cloud/unlock.js';
import { unlock } from '../cloud/unlock.js';
import type { Workings } from '../peer/workings.js';

export type Viewed =
  | {
      readonly shown: 'photo';
      readonly grantId: Uint8Array;
      readonly bytes: Uint8Array;
      readonly mediaType: string;
      readonly name: string;
      readonly remaining: number;
    }
  | {
      readonly shown: 'cover';
      readonly grantId: Uint8Array;
      readonly png: Uint8Array;
      readonly reason: CoverReason;
      readonly message: string;
    };

export type CoverReason = 'spent' | 'revoked' | 'expired';

const reasons: ReadonlyMap<Reason, CoverReason> = new Map([
  [Reason.VIEWS_SPENT, 'spent'],
  [Reason.REVOKED, 'revoked'],
  [Reason.EXPIRED, 'expired'],
]);

/** A picture that would open if the cloud lets it. */
interface Ready {
  readonly rights: Rights;
  readonly capsule: Capsule;
  /** The hidden payload, whole and as the rights say. */
  readonly payload: Uint8Array;
}

/**
 * @param file absolute path of a carrier, held here or brought from anywhere
 * @throws FormatError when it is damaged (nothing was spent); Refused NOT_YOURS, WRONG_CLOUD, KEY_CHANGED,
 * CARRIER_SUPERSEDED, UNKNOWN_GRANT; Unreachable: asked again soon, it costs nothing more
 */
export async function viewFile(file: string, workings: Workings): Promise<Viewed> {
  const handle = await open(file, 'r');
  try {
    const source = await fileSource(handle);
    const ready = await prepare(source, workings);
    try {
      const unlocked = await spend(ready, workings);
      return await reveal(ready, unlocked, workings);
    } catch (error) {
      const reason = error instanceof Refused ? reasons.get(error.reason) : undefined;
      if (!(error instanceof Refused) || reason === undefined) throw error;
      const png = await coverOf(source);
      return { shown: 'cover', grantId: ready.rights.grantId, png, reason, message: error.message };
    }
  } finally {
    await handle.close();
  }
}

async function prepare(source: Source, workings: Workings): Promise<Ready> {
  const carrier = await readCarrier(source);
  const capsule = await capsuleOf(carrier, workings);
  const rights = checked(capsule, workings);
  return { rights, capsule, payload: await payloadOf(carrier, rights) };
}

async function capsuleOf(carrier: Carrier, { self }: Workings): Promise<Capsule> {
  try {
    return await openCapsule(carrier.slot, self.keys.agreement);
  } catch (error) {
    if (!(error instanceof FormatError) || error.layer !== 'slot') throw error;
    if (!carrier.resaved)
      throw new Refused(Reason.NOT_YOURS, 'This picture is for someone else: ask its owner for your own.');
    throw new FormatError(
      'slot',
      'this picture was saved by another program, and is damaged or for someone else: ask its owner for it again',
    );
  }
}

/** docs/format.md, "Rights": what a viewer checks before it asks for a view. */
function checked({ signedRights, ownerKeys, fileKey }: Capsule, { self, vault }: Workings): Rights {
  checkKeyBundle(ownerKeys!);
  const rights = verifyRights(signedRights!, ownerKeys!);
  const owner = rights.owner!;
  if (!same(rights.viewer!.fingerprint, self.fingerprint)) {
    throw new Refused(Reason.NOT_YOURS, 'This picture is for someone else: ask its owner for your own.');
  }
  if (!same(rights.cloudId, self.cloudId)) {
    throw new Refused(Reason.WRONG_CLOUD, 'This picture is of another cloud than the one you joined.');
  }
  const pinned = vault.held.get(rights.grantId)?.owner ?? vault.contacts.get(owner.name);
  if (pinned && !same(pinned.fingerprint, owner.fingerprint)) {
    throw new Refused(
      Reason.KEY_CHANGED,
      `This picture is signed with another key than the one known of ${owner.name}.`,
    );
  }
  if (!same(fileKeyCommitment(fileKey), rights.fileKeyCommitment)) {
    throw new FormatError(
      'capsule',
      'the key in this picture is not the one its rights are for: ask its owner again',
    );
  }
  return rights;
}

async function payloadOf(carrier: Carrier, rights: Rights): Promise<Uint8Array> {
  const payload = new Uint8Array(rights.payloadBytes);
  const digest = createHash('sha256');
  let at = 0;
  for await (const chunk of carrier.payload(rights.payloadBytes)) {
    payload.set(chunk, at);
    digest.update(chunk);
    at += chunk.length;
  }
  if (at !== payload.length || !same(digest.digest(), rights.payloadDigest)) {
    throw new FormatError(
      'payload',
      'this picture was damaged on the way, or put together from several: ask its owner for it again. No view was spent',
    );
  }
  return payload;
}

/** The view is remembered before it is asked for, and forgotten once it was shown or refused. */
async function spend({ rights }: Ready, { cloud, vault, edge }: Workings): Promise<Unlocked> {
  const { grantId, sealId } = rights;
  const { held, identity } = vault;
  const kept = held.get(grantId)?.view;
  const view = {
    clock: edge.clock,
    clockOffsetMs: identity.get()?.membership?.clockOffsetMs ?? 0,
    begun: kept && { viewId: kept.viewId, begunAtMs: kept.beganAtMs },
    begin: ({ viewId, begunAtMs }: BegunView) => held.beginView(grantId, viewId, begunAtMs),
    correct: (clockOffsetMs: number) => identity.heard(cloud.servers, clockOffsetMs),
  };
  try {
    return await unlock(cloud, { grantId, sealId }, view);
  } catch (error) {
    if (error instanceof Refused) held.endView(grantId);
    throw error;
  }
}

async function reveal(
  { rights, capsule, payload }: Ready,
  unlocked: Unlocked,
  workings: Workings,
): Promise<Viewed> {
  const { vault, cloud, later } = workings;
  const { grantId, imageId } = rights;
  const sealed = openSealed(unlocked.cloudKey, pieces(payload), 'cloud-lock');
  const { header, bytes } = await openPhoto(capsule.fileKey, imageId, sealed);
  const photo = new Uint8Array(header.photoBytes);
  let at = 0;
  for await (const chunk of bytes) {
    photo.set(chunk, at);
    at += chunk.length;
  }
  vault.held.endView(grantId);
  vault.held.opened(grantId, header.name);
  const { viewId } = unlocked;
  later(cloud.call((server, each) => server.stego.confirmView({ grantId, viewId }, each)));
  const current = unlocked.signedRights ? readRights(unlocked.signedRights) : rights;
  const remaining = Math.max(0, current.quota - unlocked.used);
  return { shown: 'photo', grantId, bytes: photo, mediaType: header.mediaType, name: header.name, remaining };
}

/** In steps, so that the event loop breathes between them. */
const stepBytes = 1024 * 1024;

async function* pieces(payload: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < payload.length; at += stepBytes) {
    yield payload.subarray(at, at + stepBytes);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
