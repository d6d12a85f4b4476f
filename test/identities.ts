/** Authorities and identities for tests that speak TLS: real keys, real certificates. */
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { issueCertificate, makeAuthority } from '../core/identity/certificates.js';
import type { Authority } from '../core/identity/certificates.js';
import { publicBytes } from '../core/identity/keys.js';
import type { Identity } from '../core/identity/tls.js';

export const drawKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;

export function drawAuthority(nowMs = Date.now()): Promise<Authority> {
  return makeAuthority(drawKey(), nowMs, randomBytes(16));
}

export async function drawIdentity(
  authority: Authority,
  role: 'client' | 'server',
  name: string,
  privateKey = drawKey(),
  nowMs = Date.now(),
): Promise<Identity> {
  const signingKey = publicBytes(createPublicKey(privateKey));
  const certificate = await issueCertificate(authority, {
    role,
    name,
    signingKey,
    nowMs,
    serial: randomBytes(16),
  });
  return { authority: authority.certificate, certificate, privateKey };
}
