import { createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import test from 'ava';
import fc from 'fast-check';
import {
  authorityFingerprint,
  cloudIdOf,
  makeAuthority,
  requestCertificate,
  requestIsFor,
  shouldRenew,
} from '../../../core/identity/certificates.js';
import { publicBytes } from '../../../core/identity/keys.js';
import { callerOf, holderOf } from '../../../core/identity/role.js';
import { drawAuthority, drawIdentity, drawKey } from '../../identities.js';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2025, 5, 1);

test('an authority signs itself, may sign leaves and nothing deeper, for twenty years', async (t) => {
  const authority = await drawAuthority(nowMs);
  const certificate = new X509Certificate(authority.certificate);
  t.true(certificate.ca);
  t.true(certificate.verify(createPublicKey(authority.privateKey)));
  t.true(Date.parse(certificate.validTo) > nowMs + 19 * 365 * dayMs);
  t.is(authorityFingerprint(authority.certificate).length, 32);
});

test('a leaf says who holds it, and is signed by its authority', async (t) => {
  const authority = await drawAuthority(nowMs);
  const { certificate, privateKey } = await drawIdentity(authority, 'client', 'a.b_c-9', drawKey(), nowMs);
  const parsed = new X509Certificate(certificate);
  t.false(parsed.ca);
  t.true(parsed.verify(createPublicKey(authority.privateKey)));
  t.true(parsed.checkIssued(new X509Certificate(authority.certificate)));
  const cloud = Buffer.from(cloudIdOf(authority.certificate)).toString('hex');
  t.is(parsed.subjectAltName, `URI:glimpse://${cloud}/client/a.b_c-9`);
  t.deepEqual(holderOf(certificate), {
    role: 'client',
    name: 'a.b_c-9',
    signingKey: publicBytes(privateKey),
  });
});

test('serial numbers are positive whatever is drawn', async (t) => {
  for (const byte of [0x00, 0x7f, 0x80, 0xff]) {
    const { certificate } = await makeAuthority(drawKey(), nowMs, new Uint8Array(16).fill(byte));
    t.regex(new X509Certificate(certificate).serialNumber, /^4[0-9A-F]{31}$/);
  }
});

test('a cloud keeps its id when its CA certificate is issued anew', async (t) => {
  const key = drawKey();
  const [first, second] = [
    await makeAuthority(key, nowMs, new Uint8Array(16).fill(1)),
    await makeAuthority(key, nowMs + 5 * 365 * dayMs, new Uint8Array(16).fill(2)),
  ];
  t.notDeepEqual(authorityFingerprint(first.certificate), authorityFingerprint(second.certificate));
  t.deepEqual(cloudIdOf(first.certificate), cloudIdOf(second.certificate));
  t.notDeepEqual(cloudIdOf(first.certificate), cloudIdOf((await drawAuthority(nowMs)).certificate));
});

test('a certificate is renewed when less than a third of its time is left', async (t) => {
  const authority = await drawAuthority(nowMs);
  const { certificate } = await drawIdentity(authority, 'client', 'alice', drawKey(), nowMs);
  t.false(shouldRenew(certificate, nowMs));
  t.false(shouldRenew(certificate, nowMs + 243 * dayMs));
  t.true(shouldRenew(certificate, nowMs + 244 * dayMs));
  t.true(shouldRenew(certificate, nowMs + 400 * dayMs));
});

test('a request is for the key that signed it, and for no other', async (t) => {
  const key = drawKey();
  const request = await requestCertificate('alice', key);
  t.true(await requestIsFor(request, publicBytes(key)));
  t.false(await requestIsFor(request, publicBytes(drawKey())));
});

test('a request with its key or its signature changed is refused', async (t) => {
  const key = drawKey();
  const request = await requestCertificate('alice', key);
  const keyAt = Buffer.from(request).indexOf(publicBytes(key));
  const places = fc.oneof(
    fc.integer({ min: keyAt, max: keyAt + 31 }),
    fc.integer({ min: request.length - 64, max: request.length - 1 }),
  );
  await fc.assert(
    fc.asyncProperty(places, fc.integer({ min: 1, max: 255 }), async (at, xor) => {
      const changed = new Uint8Array(request);
      changed[at]! ^= xor;
      t.false(await requestIsFor(changed, publicBytes(key)));
    }),
  );
});

test('bytes that are no request are refused', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      t.false(await requestIsFor(bytes, publicBytes(drawKey())));
    }),
  );
});

test('a request for a key of another kind is refused', async (t) => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=alice',
    keys,
    signingAlgorithm: algorithm,
  });
  t.false(await requestIsFor(new Uint8Array(request.rawData), publicBytes(drawKey())));
});

test('what is no certificate of ours has no holder', async (t) => {
  const authority = await drawAuthority(nowMs);
  t.is(holderOf(authority.certificate), undefined, 'the CA itself is nobody');
  t.deepEqual(callerOf(undefined), { role: 'anonymous' });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      t.deepEqual(callerOf(bytes), { role: 'anonymous' });
    }),
  );
});
