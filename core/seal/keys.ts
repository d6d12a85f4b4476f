/** Every key that is derived. docs/format.md, "Keys" and "Tickets". */
import { hkdfSync } from 'node:crypto';

const keyBytes = 32;
const noSalt = new Uint8Array(0);

/** Seals the photo: the owner's lock. */
export function photoKey(fileKey: Uint8Array): Uint8Array {
  return derive(fileKey, noSalt, Buffer.from('glimpse/v1 photo'));
}

/** Binds the file key into the rights, which do not show it. */
export function fileKeyCommitment(fileKey: Uint8Array): Uint8Array {
  return derive(fileKey, noSalt, Buffer.from('glimpse/v1 commitment'));
}

/** What a hiding is bound to. */
export interface Hiding {
  /** Drawn by the leader for this hiding alone. */
  readonly sealId: Uint8Array;
  readonly ownerFingerprint: Uint8Array;
  readonly imageId: Uint8Array;
}

/** Seals the payload: the cloud's lock. `secret` is the cluster's, of the hiding's secret id. */
export function cloudKey(secret: Uint8Array, { sealId, ownerFingerprint, imageId }: Hiding): Uint8Array {
  const info = Buffer.concat([
    Buffer.from('glimpse/v1 cloud key'),
    lengthPrefixed(ownerFingerprint),
    lengthPrefixed(imageId),
  ]);
  return derive(secret, sealId, info);
}

/** Authenticates the tickets of elections. */
export function ticketKey(secret: Uint8Array): Uint8Array {
  return derive(secret, noSalt, Buffer.from('glimpse/v1 ticket'));
}

function derive(secret: Uint8Array, salt: Uint8Array, info: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, salt, info, keyBytes));
}

function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
