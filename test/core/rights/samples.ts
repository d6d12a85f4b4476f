/** Rights to begin from: two clients with fixed keys, and what one allows the other. */
import { createPrivateKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { fingerprintOf, makeKeyBundle } from '../../../core/identity/keys.js';
import type { ClientKeys } from '../../../core/identity/keys.js';
import { Mode, RightsSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import type { Rights } from '../../../gen/glimpse/v1/rights_pb.js';

/** PKCS#8 of a raw private key: RFC 8410, section 7. */
export function privateKey(curve: 'ed25519' | 'x25519', raw: Uint8Array): KeyObject {
  const prefix = `302e020100300506032b65${curve === 'ed25519' ? '70' : '6e'}04220420`;
  return createPrivateKey({
    key: Buffer.concat([Buffer.from(prefix, 'hex'), raw]),
    format: 'der',
    type: 'pkcs8',
  });
}

/** A client whose private keys are 32 times this byte, and 32 times the next. */
export function clientOf(byte: number): ClientKeys {
  return {
    signing: privateKey('ed25519', new Uint8Array(32).fill(byte)),
    agreement: privateKey('x25519', new Uint8Array(32).fill(byte + 1)),
  };
}

export const owner = clientOf(0x0a);
export const viewer = clientOf(0xb0);
export const stranger = clientOf(0x50);

export function partyOf(name: string, keys: ClientKeys) {
  return { name, fingerprint: fingerprintOf(makeKeyBundle(keys)) };
}

type PartyInit = ReturnType<typeof partyOf>;
interface Parties {
  readonly owner?: PartyInit;
  readonly viewer?: PartyInit;
}

export function rightsOf(
  more: Partial<Omit<Rights, '$typeName' | 'owner' | 'viewer'>> & Parties = {},
): Rights {
  return create(RightsSchema, {
    grantId: new Uint8Array(16).fill(1),
    cloudId: new Uint8Array(16).fill(2),
    imageId: new Uint8Array(16).fill(3),
    owner: partyOf('alice', owner),
    viewer: partyOf('bob', viewer),
    sealId: new Uint8Array(32).fill(4),
    secretId: 1,
    payloadDigest: new Uint8Array(32).fill(5),
    payloadBytes: 4_000,
    fileKeyCommitment: new Uint8Array(32).fill(6),
    version: 1,
    quota: 3,
    mode: Mode.STRICT,
    revoked: false,
    ...more,
  });
}

/** Rights of no other grant: whatever names a grant or its hiding is drawn. */
export function drawnRights(more: Parameters<typeof rightsOf>[0]): Rights {
  return rightsOf({
    grantId: randomBytes(16),
    imageId: randomBytes(16),
    sealId: randomBytes(32),
    payloadDigest: randomBytes(32),
    fileKeyCommitment: randomBytes(32),
    ...more,
  });
}
