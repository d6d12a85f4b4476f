/** Keys of clients: docs/format.md, "Keys". Raw keys are 32 bytes, as in RFC 8032 and RFC 7748. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { LRUCache } from 'lru-cache';
import { KeyBundleSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { KeyBundle } from '../../gen/glimpse/v1/rights_pb.js';
import { encodeBase32, inGroups } from '../base32.js';
import { FormatError } from '../format-error.js';

/** The private keys of one client. */
export interface ClientKeys {
  /** Ed25519. */
  readonly signing: KeyObject;
  /** X25519. */
  readonly agreement: KeyObject;
}

/** The same keys as PKCS#8, DER, for keeping. */
export interface KeptKeys {
  readonly signing: Uint8Array;
  readonly agreement: Uint8Array;
}

export function drawClientKeys(): ClientKeys {
  return {
    signing: generateKeyPairSync('ed25519').privateKey,
    agreement: generateKeyPairSync('x25519').privateKey,
  };
}

export function keepClientKeys({ signing, agreement }: ClientKeys): KeptKeys {
  const kept = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }));
  return { signing: kept(signing), agreement: kept(agreement) };
}

/** @throws if these are not what `keepClientKeys` gave */
export function restoreClientKeys({ signing, agreement }: KeptKeys): ClientKeys {
  const restored = (der: Uint8Array): KeyObject =>
    createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  return { signing: restored(signing), agreement: restored(agreement) };
}

/** What stands before the 32 bytes of a key in SPKI and in PKCS#8 (RFC 8410): always the same. */
const heads = { spki: 12, pkcs8: 16 } as const;

/**
 * The raw public key of an Ed25519 or X25519 key, public or private. Not by way of a JWK: Node 20 makes that while it
 * holds the key's lock, and collecting the job that drew the key just then waits for the same lock, for ever.
 */
export function publicBytes(key: KeyObject): Uint8Array {
  const spki = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(heads.spki));
}

/** The raw private key of an Ed25519 or X25519 key. */
export function privateBytes(key: KeyObject): Uint8Array<ArrayBuffer> {
  return new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }).subarray(heads.pkcs8));
}

const fromRaw = (curve: 'Ed25519' | 'X25519', raw: Uint8Array): KeyObject =>
  createPublicKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: curve, x: Buffer.from(raw).toString('base64url') },
  });

/** @throws if `raw` is not 32 bytes */
export const signingKeyFrom = (raw: Uint8Array): KeyObject => fromRaw('Ed25519', raw);
/** @throws if `raw` is not 32 bytes */
export const agreementKeyFrom = (raw: Uint8Array): KeyObject => fromRaw('X25519', raw);

/**
 * By way of a JWK, whose public part Node asks for and does not read: reading PKCS#8 takes ten times as long.
 * @throws if `raw` is not 32 bytes
 */
export const agreementPrivateKeyFrom = (raw: Uint8Array): KeyObject =>
  createPrivateKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: 'X25519', d: Buffer.from(raw).toString('base64url'), x: '' },
  });

/** Ed25519, 64 bytes, deterministic. */
export function signWith(signing: KeyObject, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, signing));
}

/** False for anything that is not a signature of the message under the key, whatever it is instead. */
export function verifies(signingKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signingKey.length !== 32 || signature.length !== 64) return false;
  try {
    return verify(null, message, signingKeyFrom(signingKey), signature);
  } catch {
    return false; // the 32 bytes are no point of the curve
  }
}

const labelled = (label: string, ...parts: readonly Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.from(`glimpse/v1 ${label}`), ...parts]);

export function makeKeyBundle({ signing, agreement }: ClientKeys): KeyBundle {
  const agreementKey = publicBytes(agreement);
  return create(KeyBundleSchema, {
    signingKey: publicBytes(signing),
    agreementKey,
    signature: signWith(signing, labelled('bundle', agreementKey)),
  });
}

/** Bundles that held, 200 bytes each: those of peers who are met again and again. A signature takes 0.1 ms to check. */
const bundlesKept = 1_024;

const held = new LRUCache<string, true>({ max: bundlesKept });

/** @throws FormatError of layer key-bundle, unless the signing key signed the agreement key */
export function checkKeyBundle({ signingKey, agreementKey, signature }: KeyBundle): void {
  if (agreementKey.length !== 32) throw new FormatError('key-bundle', 'the agreement key is not 32 bytes');
  const parts = [signingKey, agreementKey, signature];
  const bundle = parts.map((part) => Buffer.from(part).toString('base64')).join(' ');
  if (held.has(bundle)) return;
  if (!verifies(signingKey, labelled('bundle', agreementKey), signature)) {
    throw new FormatError('key-bundle', 'the signing key did not sign the agreement key');
  }
  held.set(bundle, true);
}

/** 32 bytes that stand for a bundle of keys. */
export function fingerprintOf(keys: Pick<KeyBundle, 'signingKey' | 'agreementKey'>): Uint8Array {
  const bytes = labelled('fingerprint', keys.signingKey, keys.agreementKey);
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

const fingerprintTextBytes = 20;

/** A fingerprint for people: eight groups of four letters and digits. */
export function fingerprintText(fingerprint: Uint8Array): string {
  return inGroups(encodeBase32(fingerprint.subarray(0, fingerprintTextBytes)), 4);
}

/** What two people compare, the same on both sides: twelve groups of five digits. */
export function safetyNumber(one: Uint8Array, other: Uint8Array): string {
  const ordered = Buffer.compare(one, other) <= 0 ? [one, other] : [other, one];
  const digest = createHash('sha256')
    .update(labelled('safety', ...ordered))
    .digest();
  const digits = Array.from({ length: 6 }, (_, at) =>
    (digest.readUIntBE(at * 5, 5) % 10 ** 10).toString().padStart(10, '0'),
  );
  return inGroups(digits.join(''), 5).replaceAll('-', ' ');
}
