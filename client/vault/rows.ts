/** Every row of the vault becomes what the rest of the client speaks of here, and nowhere else. */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { KeyBundle, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import { KeyBundleSchema, SignedRightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { Column, Row } from './database.js';
import { VaultError } from './failures.js';
import type {
  Carrier,
  Contact,
  Given,
  Held,
  Identity,
  LeftView,
  ListingLine,
  Membership,
  OutboxItem,
  Peer,
  Policy,
  PrivateKeys,
  Delivery,
  SeenHead,
  ShownView,
  WaitingRequest,
} from './records.js';
import type { OutboxKind } from './rules/outbox.js';
import type { Wrapped } from './wrapping.js';

export const encodeKeys = (keys: KeyBundle): Uint8Array => toBinary(KeyBundleSchema, keys);
export const encodeRights = (signed: SignedRights): Uint8Array => toBinary(SignedRightsSchema, signed);
export const encodeTexts = (texts: readonly string[]): string => JSON.stringify(texts);
export const encodeBlobs = (blobs: readonly Uint8Array[]): string =>
  JSON.stringify(blobs.map((blob) => Buffer.from(blob).toString('base64')));

/** Without the private keys, which may be wrapped. */
export function identityOf(row: Row): Omit<Identity, keyof PrivateKeys> & StoredKeys {
  return {
    wrapped: maybe(row, 'wrapped_keys', () => wrappedOf(row)),
    bare: {
      signingKey: bytes(row, 'signing_key'),
      agreementKey: bytes(row, 'agreement_key'),
      imageKey: bytes(row, 'image_key'),
    },
    keys: keys(row, 'keys'),
    fingerprint: bytes(row, 'fingerprint'),
    recovery: maybe(row, 'recovery', text),
    membership: maybe(row, 'name', () => membershipOf(row)),
  };
}

/** Private keys as they are stored: `bare` is empty where they are wrapped. */
interface StoredKeys {
  readonly wrapped: Wrapped | undefined;
  readonly bare: PrivateKeys;
}

function wrappedOf(row: Row): Wrapped {
  return {
    sealed: bytes(row, 'wrapped_keys'),
    salt: bytes(row, 'wrap_salt'),
    cost: whole(row, 'wrap_cost'),
    blockSize: whole(row, 'wrap_block_size'),
    parallel: whole(row, 'wrap_parallel'),
  };
}

function membershipOf(row: Row): Membership {
  return {
    name: text(row, 'name'),
    cloudId: bytes(row, 'cloud_id'),
    caCertificate: bytes(row, 'ca_certificate'),
    certificates: texts(row, 'certificates').map((encoded) => new Uint8Array(Buffer.from(encoded, 'base64'))),
    servers: texts(row, 'servers'),
    clockOffsetMs: whole(row, 'clock_offset_ms'),
  };
}

export function contactOf(row: Row): Contact {
  return {
    name: text(row, 'name'),
    keys: keys(row, 'keys'),
    fingerprint: bytes(row, 'fingerprint'),
    verified: flag(row, 'verified'),
    policy: maybe(row, 'policy', text) as Policy | undefined,
    address: maybe(row, 'address', text),
    pinnedAtMs: whole(row, 'pinned_at'),
    alarm: maybe(row, 'changed_at', () => ({
      keys: keys(row, 'changed_keys'),
      fingerprint: bytes(row, 'changed_fingerprint'),
      seenAtMs: whole(row, 'changed_at'),
    })),
  };
}

export function requestOf(row: Row): WaitingRequest {
  const peer = { name: text(row, 'peer_name'), fingerprint: bytes(row, 'peer_fingerprint') };
  const known = {
    id: text(row, 'id'),
    peer,
    askedAtMs: whole(row, 'asked_at'),
    refused: flag(row, 'refused'),
  };
  if (text(row, 'kind') === 'knock') return { ...known, kind: 'knock' };
  return {
    ...known,
    kind: 'photo',
    imageId: bytes(row, 'image_id'),
    photo: text(row, 'photo'),
    views: whole(row, 'views'),
  };
}

export function listingLineOf(row: Row): ListingLine {
  return { number: whole(row, 'number'), imageId: bytes(row, 'image_id'), name: text(row, 'name') };
}

export function carrierOf(row: Row): Carrier {
  return {
    sealId: bytes(row, 'seal_id'),
    secretId: whole(row, 'secret_id'),
    payloadDigest: bytes(row, 'payload_digest'),
    payloadBytes: whole(row, 'payload_bytes'),
    fileKey: bytes(row, 'file_key'),
    imageId: bytes(row, 'image_id'),
    cover: text(row, 'cover'),
    leader: text(row, 'leader'),
    carrierBytes: whole(row, 'carrier_bytes'),
    hiddenAtMs: whole(row, 'hidden_at'),
  };
}

export function givenOf(row: Row): Given {
  return {
    grantId: bytes(row, 'grant_id'),
    viewer: peer(row, 'viewer'),
    imageId: bytes(row, 'image_id'),
    photo: { name: text(row, 'photo_name'), path: text(row, 'photo_path') },
    current: maybe(row, 'current', rights),
    currentVersion: whole(row, 'current_version'),
    pending: maybe(row, 'pending', rights),
    wish: maybe(row, 'wish', text),
    delivery: text(row, 'delivery') as Delivery,
    snapshot: maybe(row, 'snapshot', bytes),
    givenAtMs: whole(row, 'given_at'),
  };
}

export function heldOf(row: Row): Held {
  return {
    grantId: bytes(row, 'grant_id'),
    owner: peer(row, 'owner'),
    imageId: bytes(row, 'image_id'),
    signedRights: rights(row, 'rights'),
    version: whole(row, 'version'),
    photoName: maybe(row, 'photo_name', text),
    picture: maybe(row, 'file', () => ({
      file: text(row, 'file'),
      snapshot: bytes(row, 'snapshot'),
      carrierBytes: whole(row, 'carrier_bytes'),
      leader: text(row, 'leader'),
      asked: flag(row, 'asked'),
      opened: flag(row, 'opened'),
      receivedAtMs: whole(row, 'received_at'),
    })),
    view: maybe(row, 'view_id', () => ({
      viewId: bytes(row, 'view_id'),
      beganAtMs: whole(row, 'view_at'),
    })),
  };
}

export function outboxItemOf(row: Row): OutboxItem {
  return {
    id: whole(row, 'id'),
    kind: text(row, 'kind') as OutboxKind,
    grantId: bytes(row, 'grant_id'),
    version: whole(row, 'version'),
    attempts: whole(row, 'attempts'),
    dueAtMs: whole(row, 'due_at'),
    lastError: maybe(row, 'last_error', text),
    queuedAtMs: whole(row, 'queued_at'),
  };
}

/** A view of an AskedBatch. */
export function askedViewOf(row: Row): { readonly viewId: Uint8Array; readonly askedAtMs: number } {
  return { viewId: bytes(row, 'view_id'), askedAtMs: whole(row, 'at') };
}

export function leftViewOf(row: Row): LeftView {
  return {
    viewId: bytes(row, 'view_id'),
    ordinal: whole(row, 'ordinal'),
    cloudKey: bytes(row, 'cloud_key'),
  };
}

export function shownViewOf(row: Row): ShownView {
  return { grantId: bytes(row, 'grant_id'), viewId: bytes(row, 'view_id') };
}

export function seenHeadOf(row: Row): SeenHead {
  return { length: whole(row, 'length'), head: bytes(row, 'head'), seenAtMs: whole(row, 'seen_at') };
}

const idDigits = 32;

/** The ids of 16 bytes that begin with what a person typed of one, in hex: from the lowest to the highest. */
export function idsBeginningWith(hex: string): { readonly lowest: Uint8Array; readonly highest: Uint8Array } {
  const filled = (digit: string) =>
    new Uint8Array(Buffer.from(hex.slice(0, idDigits).padEnd(idDigits, digit), 'hex'));
  return { lowest: filled('0'), highest: filled('f') };
}

/** A plain copy: rows come as Buffers, which compare and print unlike the bytes of messages. */
export function bytes(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (!Buffer.isBuffer(value)) throw unreadable(column, value);
  return new Uint8Array(value);
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw unreadable(column, value);
  return value;
}

export function whole(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw unreadable(column, value);
  return value;
}

function flag(row: Row, column: string): boolean {
  return whole(row, column) === 1;
}

function maybe<T>(row: Row, column: string, read: (row: Row, column: string) => T): T | undefined {
  return row[column] === null ? undefined : read(row, column);
}

function texts(row: Row, column: string): string[] {
  const value = understood(row, column, () => JSON.parse(text(row, column)) as unknown);
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw unreadable(column, row[column], new Error('it is no list of texts'));
}

function keys(row: Row, column: string): KeyBundle {
  return understood(row, column, () => fromBinary(KeyBundleSchema, bytes(row, column)));
}

function rights(row: Row, column: string): SignedRights {
  return understood(row, column, () => fromBinary(SignedRightsSchema, bytes(row, column)));
}

/** What a column holds is damaged if it cannot be read. */
function understood<T>(row: Row, column: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof VaultError ? error : unreadable(column, row[column], error);
  }
}

function peer(row: Row, side: 'owner' | 'viewer'): Peer {
  return {
    name: text(row, `${side}_name`),
    keys: keys(row, `${side}_keys`),
    fingerprint: bytes(row, `${side}_fingerprint`),
  };
}

function unreadable(column: string, value: Column | undefined, cause?: unknown): VaultError {
  const what = cause === undefined ? `is ${value === undefined ? 'missing' : typeof value}` : 'is damaged';
  return new VaultError('damaged', `the vault holds a ${column} that ${what}: put back a copy of the vault`, {
    cause,
  });
}
