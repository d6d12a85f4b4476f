/**
 * The cloud's certificate authority and what it issues: X.509 (RFC 5280) with Ed25519 (RFC 8410), made by
 * @peculiar/x509. Left out: revocation lists (the directory's current key is the revocation), names of hosts
 * (roles are checked instead). docs/protocol.md, "Enrolment".
 */
import { createHash, createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type * as X509 from '@peculiar/x509';
import { publicBytes, signingKeyFrom } from './keys.js';
import { roleUri } from './role.js';

export interface Authority {
  /** X.509, DER, self-signed. */
  readonly certificate: Uint8Array;
  /** Ed25519. */
  readonly privateKey: KeyObject;
}

export interface Issue {
  readonly role: 'client' | 'server';
  readonly name: string;
  /** Ed25519, 32 bytes. */
  readonly signingKey: Uint8Array;
  /** Unix time. */
  readonly nowMs: number;
  /** 16 random bytes: the serial number. */
  readonly serial: Uint8Array;
}

const dayMs = 86_400_000;
/** A lost CA ends its cloud, so it outlives everything else. */
const authorityDays = 20 * 365;
/** Renewed when less than a third is left, at every attending: only who stays away for months expires. */
const leafDays = 365;
/** Clocks differ: what is issued now was valid an hour ago. */
const skewMs = 3_600_000;

const ed25519 = { name: 'Ed25519' };

/** Loaded when it is needed: most commands never are, and it takes longer than all the rest of them. */
async function loadX509(): Promise<typeof X509> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** A new authority. @param serial 16 random bytes */
export async function makeAuthority(
  privateKey: KeyObject,
  nowMs: number,
  serial: Uint8Array,
): Promise<Authority> {
  const x509 = await loadX509();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(serial),
    name: 'CN=Glimpse cloud',
    ...validity(nowMs, authorityDays),
    keys: {
      privateKey: await privateCryptoKey(privateKey),
      publicKey: await publicCryptoKey(createPublicKey(privateKey)),
    },
    signingAlgorithm: ed25519,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return { certificate: new Uint8Array(certificate.rawData), privateKey };
}

/** A certificate (DER) for a role and a name, to serve with and to call with. */
export async function issueCertificate(authority: Authority, issue: Issue): Promise<Uint8Array> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(ownBytes(authority.certificate));
  const uri = roleUri(cloudIdOf(authority.certificate), issue.role, issue.name);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(issue.serial),
    subject: `CN=${issue.name}`,
    issuer: issuer.subject,
    ...validity(issue.nowMs, leafDays),
    publicKey: await publicCryptoKey(signingKeyFrom(issue.signingKey)),
    signingKey: await privateCryptoKey(authority.privateKey),
    signingAlgorithm: ed25519,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }], true),
    ],
  });
  return new Uint8Array(certificate.rawData);
}

/** A certificate request (PKCS#10, DER) for the key, signed by it. */
export async function requestCertificate(name: string, signing: KeyObject): Promise<Uint8Array> {
  const x509 = await loadX509();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${name}`,
    keys: {
      privateKey: await privateCryptoKey(signing),
      publicKey: await publicCryptoKey(createPublicKey(signing)),
    },
    signingAlgorithm: ed25519,
  });
  return new Uint8Array(request.rawData);
}

/** Whether the request (PKCS#10, DER) is for this key and signed by it. Its other contents are ignored. */
export async function requestIsFor(request: Uint8Array, signingKey: Uint8Array): Promise<boolean> {
  const x509 = await loadX509();
  try {
    const parsed = new x509.Pkcs10CertificateRequest(ownBytes(request));
    const key = createPublicKey({ key: Buffer.from(parsed.publicKey.rawData), format: 'der', type: 'spki' });
    if (key.asymmetricKeyType !== 'ed25519' || Buffer.compare(publicBytes(key), signingKey) !== 0)
      return false;
    return await parsed.verify();
  } catch {
    return false; // no request at all
  }
}

/** SHA-256 of a CA certificate (DER): what join codes carry. */
export function authorityFingerprint(certificate: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(certificate).digest());
}

/** 16 bytes that name the cloud of this CA certificate (DER), and of every later one with the same key. */
export function cloudIdOf(certificate: Uint8Array): Uint8Array {
  const key = new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' });
  return new Uint8Array(createHash('sha256').update(key).digest().subarray(0, 16));
}

/** Whether less than a third of the certificate's (DER) time is left. */
export function shouldRenew(certificate: Uint8Array, nowMs: number): boolean {
  const { validFrom, validTo } = new X509Certificate(certificate);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return to - nowMs < (to - from) / 3;
}

const validity = (nowMs: number, days: number): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(nowMs - skewMs),
  notAfter: new Date(nowMs + days * dayMs),
});

/** Positive, as RFC 5280 wants serial numbers. */
const serialNumber = (random: Uint8Array): string => `4${Buffer.from(random).toString('hex').slice(1)}`;

/** The library wants bytes that own their buffer. */
const ownBytes = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

function privateCryptoKey(key: KeyObject): Promise<CryptoKey> {
  const der = key.export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', der, ed25519, false, ['sign']);
}

function publicCryptoKey(key: KeyObject): Promise<CryptoKey> {
  const der = key.export({ format: 'der', type: 'spki' });
  return webcrypto.subtle.importKey('spki', der, ed25519, true, ['verify']);
}
