/** Who a certificate says its holder is. docs/protocol.md, "Enrolment". */
import { X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { publicBytes } from './keys.js';

/** What a caller may be. Anonymous callers exist on listeners that ask for no certificate. */
export type Role = 'client' | 'server' | 'anonymous';

export interface Holder {
  readonly role: 'client' | 'server';
  /** A client's name, a server's id. */
  readonly name: string;
  /** Ed25519, 32 bytes. */
  readonly signingKey: Uint8Array;
}

export type Caller = Holder | { readonly role: 'anonymous' };

/** Names of clients and ids of servers, as the contracts have them. */
export const namePattern = /^[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?$/;

const rolePattern = /^URI:glimpse:\/\/[0-9a-f]{32}\/(client|server)\/([a-z0-9._-]{1,32})$/;

/** `glimpse://<cloud id>/<role>/<name>`: the only subject alternative name of our certificates. */
export function roleUri(cloudId: Uint8Array, role: 'client' | 'server', name: string): string {
  return `glimpse://${Buffer.from(cloudId).toString('hex')}/${role}/${name}`;
}

/** Reading a certificate takes a third of a millisecond, and every call brings one. A kilobyte each. */
const holdersMax = 4096;
const holders = new LRUCache<string, { readonly holder: Holder | undefined }>({ max: holdersMax });

/**
 * The holder of a certificate (DER) that was already verified against the cloud's CA, or undefined if it is
 * none of ours.
 */
export function holderOf(certificate: Uint8Array): Holder | undefined {
  const key = Buffer.from(certificate.buffer, certificate.byteOffset, certificate.byteLength).toString(
    'latin1',
  );
  const known = holders.get(key) ?? { holder: read(certificate) };
  holders.set(key, known);
  return known.holder;
}

function read(certificate: Uint8Array): Holder | undefined {
  try {
    const parsed = new X509Certificate(certificate);
    const found = rolePattern.exec(parsed.subjectAltName ?? '');
    if (!found || !namePattern.test(found[2]!) || parsed.publicKey.asymmetricKeyType !== 'ed25519')
      return undefined;
    return {
      role: found[1] as 'client' | 'server',
      name: found[2]!,
      signingKey: publicBytes(parsed.publicKey),
    };
  } catch {
    return undefined; // not a certificate at all
  }
}

/** The caller behind the certificate of its connection; anonymous without one. */
export function callerOf(certificate: Uint8Array | undefined): Caller {
  return (certificate && holderOf(certificate)) ?? { role: 'anonymous' };
}
