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
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import { fileKeyCommitment } from '../../core/seal/keys.js';
import { openPhoto } from '../../core/seal/photo.js';
import { open as openSealed } from '../../core/seal/seal.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { Mode } from '../../gen/glimpse/v1/rights_pb.js';
import type { Capsule, Rights } from '../../gen/glimpse/v1/rights_pb.js';
import type { BegunViews } from '../cloud/unlock.js';
import { unlock } from '../cloud/unlock.js';
import { tellShown } from '../peer/prepaid.js';
import { cloudNowMs } from '../peer/workings.js';
import type { Workings } from '../peer/workings.js';
import type { Held } from '../vault/records.js';
import { refusePrepaid } from './rules/prepaid.js';

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
      return await reveal(ready, await spend(ready, workings), workings);
    } catch (error) {
      const reason = error instanceof Refused ? reasons.get(error.reason) : undefined;
      if (!(error instanceof Refused) || reason === undefined) throw error;
      const png = await coverOf(source);
      // Its owner took it back before it was opened: it must not count against her for ever.
      workings.vault.held.opened(ready.rights.grantId);
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

/** A view that may be shown, however it was unlocked. */
interface Spent {
  readonly cloudKey: Uint8Array;
  readonly viewId: Uint8Array;
  /** The rights that it was spent under, and the count with it. */
  readonly rights: Rights;
  readonly used: number;
}

async function spend({ rights }: Ready, workings: Workings): Promise<Spent> {
  const newest = newestOf(rights, workings.vault.held.get(rights.grantId));
  try {
    return await spendUnder(newest, rights, workings);
  } catch (error) {
    // Only the ledger allows; but what the owner took back is taken back without it.
    if (!(error instanceof Unreachable) || !newest.revoked) throw error;
    throw new Refused(Reason.REVOKED, prepaidMessages[Reason.REVOKED]);
  }
}

async function spendUnder(newest: Rights, rights: Rights, workings: Workings): Promise<Spent> {
  if (newest.mode !== Mode.PREPAID) return spendAtCloud(rights, workings);
  const ahead = spendPrepaid(newest, rights.sealId, workings);
  if (ahead) return ahead;
  // What the cloud has not heard of counts as outstanding, and it lets only so many be.
  await tellShown(workings, { laps: 1 }).catch(ignoreUnreachable);
  const spent = await spendAtCloud(rights, workings);
  const { grantId, sealId } = rights;
  workings.vault.prepaid.show({ grantId, viewId: spent.viewId }, sealId, workings.edge.clock());
  return spent;
}

/** Shows a view that was unlocked ahead: durable before the key is used. Undefined: there is none. @throws Refused */
function spendPrepaid(rights: Rights, sealId: Uint8Array, workings: Workings): Spent | undefined {
  const { prepaid } = workings.vault;
  const { grantId } = rights;
  const decided = workings.vault.transact(() => {
    const next = prepaid.next(grantId, sealId);
    if (!next) return undefined;
    const nowMs = cloudNowMs(workings);
    const { ordinal, viewId, cloudKey } = next;
    const reason = refusePrepaid({ rights, ordinal, nowMs, clockMarkMs: prepaid.clockMarkMs });
    // Kept for a refusal too: who has seen the expiry pass cannot go back to before it.
    prepaid.markClock(nowMs, { certain: false });
    if (reason !== undefined) return new Refused(reason, prepaidMessages[reason]);
    prepaid.show({ grantId, viewId }, sealId, nowMs);
    return { cloudKey, viewId, rights, used: ordinal };
  });
  if (decided instanceof Refused) throw decided;
  return decided;
}

const prepaidMessages = {
  [Reason.REVOKED]: 'the owner revoked this grant',
  [Reason.EXPIRED]: 'this grant has expired: ask the owner for a later date',
  [Reason.VIEWS_SPENT]: 'the owner allows fewer views by now: ask for more',
  [Reason.CLOCK_SET_BACK]:
    'the clock of this computer is behind what it was: set it right, or let glimpse up meet the cloud. No view was spent',
} as const;

/** The view is remembered before it is asked for, and forgotten once it was shown, or cannot be spent any more. */
async function spendAtCloud(rights: Rights, { cloud, vault, edge }: Workings): Promise<Spent> {
  const { grantId, sealId } = rights;
  const { held, identity } = vault;
  const kept = held.get(grantId)?.view;
  const view = {
    views: 1,
    clock: edge.clock,
    clockOffsetMs: identity.get()?.membership?.clockOffsetMs ?? 0,
    begun: kept && { viewIds: [kept.viewId], begunAtMs: kept.beganAtMs },
    begin: ({ viewIds, begunAtMs }: BegunViews) => held.beginView(grantId, viewIds[0]!, begunAtMs),
    refused: () => held.endView(grantId),
    correct: (clockOffsetMs: number) => identity.heard(cloud.servers, clockOffsetMs),
  };
  const { cloudKey, viewIds, signedRights, used } = await unlock(cloud, { grantId, sealId }, view);
  const current = signedRights ? readRights(signedRights) : rights;
  return { cloudKey, viewId: viewIds[0]!, rights: current, used };
}

function newestOf(rights: Rights, held: Held | undefined): Rights {
  return held && held.version > rights.version ? readRights(held.signedRights) : rights;
}

function ignoreUnreachable(error: unknown): void {
  if (!(error instanceof Unreachable)) throw error;
}

async function reveal(
  { rights, capsule, payload }: Ready,
  spent: Spent,
  workings: Workings,
): Promise<Viewed> {
  const { vault, later } = workings;
  const { grantId, imageId } = rights;
  const sealed = openSealed(spent.cloudKey, pieces(payload), 'cloud-lock');
  const { header, bytes } = await openPhoto(capsule.fileKey, imageId, sealed);
  const photo = new Uint8Array(header.photoBytes);
  let at = 0;
  for await (const chunk of bytes) {
    photo.set(chunk, at);
    at += chunk.length;
  }
  vault.held.endView(grantId);
  vault.held.opened(grantId, header.name);
  later(confirm(grantId, spent, workings));
  const remaining = Math.max(0, spent.rights.quota - spent.used);
  return { shown: 'photo', grantId, bytes: photo, mediaType: header.mediaType, name: header.name, remaining };
}

/** A prepaid view that the cloud cannot hear of now is told another time. */
async function confirm(grantId: Uint8Array, { rights, viewId }: Spent, workings: Workings): Promise<void> {
  if (rights.mode === Mode.PREPAID) return tellShown(workings, { laps: 1 }).catch(ignoreUnreachable);
  await workings.cloud.call((server, each) => server.stego.confirmView({ grantId, viewId }, each));
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
