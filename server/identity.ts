/** A server's place on the network: a key that lives as long as its process, and a certificate for its id. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { issueCertificate } from '../core/identity/certificates.js';
import type { Authority } from '../core/identity/certificates.js';
import { publicBytes } from '../core/identity/keys.js';
import type { Identity } from '../core/identity/tls.js';

/** Draws a key and issues a certificate of the role server for it. */
export async function drawServerIdentity(authority: Authority, id: string, nowMs: number): Promise<Identity> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const certificate = await issueCertificate(authority, {
    role: 'server',
    name: id,
    signingKey: publicBytes(privateKey),
    nowMs,
    serial: randomBytes(16),
  });
  return { authority: authority.certificate, certificate, privateKey };
}
