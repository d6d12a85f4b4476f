/** Who gets in: every pair of certificates that must not talk, over real TLS. */
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import test from 'ava';
import { credentials as insecure } from '@grpc/grpc-js';
import { Discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { parseAddress } from '../../../core/address.js';
import { authorityFingerprint } from '../../../core/identity/certificates.js';
import { fetchCa } from '../../../core/identity/fetch-ca.js';
import { publicBytes } from '../../../core/identity/keys.js';
import { ListenerCredentials, toEnrolment, toPeer, toServer } from '../../../core/identity/tls.js';
import { createClient } from '../../../core/rpc/client.js';
import { Refused, Unreachable } from '../../../core/rpc/errors.js';
import { startServer } from '../../../core/rpc/server.js';
import { drawAuthority, drawIdentity, drawKey } from '../../identities.js';
import { open, serve } from '../rpc/listening.js';

const handlers = { lookUp: async () => ({ entry: { name: 'bob' } }) };
const ask = { name: 'bob' };

async function cloud() {
  const authority = await drawAuthority();
  return {
    authority,
    s1: await drawIdentity(authority, 'server', 's1'),
    alice: await drawIdentity(authority, 'client', 'alice'),
  };
}

test.serial('a client and a server of one cloud talk, over TLS 1.3', async (t) => {
  const { s1, alice } = await cloud();
  const { address } = await serve(t, s1, Discovery, handlers);
  const client = createClient(Discovery, open(t, address, toServer(alice)));
  t.is((await client.lookUp(ask)).entry?.name, 'bob');
});

test.serial('a stranger without a certificate is not let in', async (t) => {
  const { s1, authority } = await cloud();
  const { address } = await serve(t, s1, Discovery, handlers);
  const client = createClient(Discovery, open(t, address, toEnrolment(authority.certificate)));
  await t.throwsAsync(client.lookUp(ask), { instanceOf: Unreachable });
});

test.serial('neither is one without TLS', async (t) => {
  const { s1 } = await cloud();
  const { address } = await serve(t, s1, Discovery, handlers);
  const plain = { channel: insecure.createInsecure(), wrongIdentity: () => undefined };
  const client = createClient(Discovery, open(t, address, plain));
  await t.throwsAsync(client.lookUp(ask), { instanceOf: Unreachable });
});

test("nor one with another cloud's certificate, even when it says it knows this cloud", async (t) => {
  const [here, there] = [await cloud(), await cloud()];
  const { address } = await serve(t, here.s1, Discovery, handlers);
  const stranger = { ...there.alice, authority: here.authority.certificate };
  const client = createClient(Discovery, open(t, address, toServer(stranger)));
  await t.throwsAsync(client.lookUp(ask), { instanceOf: Unreachable });
});

test("a client does not talk to another cloud's server", async (t) => {
  const [here, there] = [await cloud(), await cloud()];
  const { address } = await serve(t, there.s1, Discovery, handlers);
  const client = createClient(Discovery, open(t, address, toServer(here.alice)));
  await t.throwsAsync(client.lookUp(ask), { instanceOf: Unreachable });
});

test("a client's certificate does not make a server", async (t) => {
  const { alice, authority } = await cloud();
  const mallory = await drawIdentity(authority, 'client', 's1');
  const { address } = await serve(t, mallory, Discovery, handlers);
  for (const credentials of [toServer(alice), toEnrolment(authority.certificate)]) {
    const client = createClient(Discovery, open(t, address, credentials));
    await t.throwsAsync(client.lookUp(ask), { instanceOf: Unreachable, message: /no server of this cloud/ });
  }
});

test.serial('a certificate past its time is not let in', async (t) => {
  const { s1, authority } = await cloud();
  const { address } = await serve(t, s1, Discovery, handlers);
  const late = await drawIdentity(authority, 'client', 'alice', drawKey(), Date.now() - 400 * 86_400_000);
  const client = createClient(Discovery, open(t, address, toServer(late)));
  await t.throwsAsync(client.lookUp(ask), { instanceOf: Unreachable });
});

test.serial('peers accept the pinned key and never the CA alone', async (t) => {
  const { alice, authority } = await cloud();
  const bob = await drawIdentity(authority, 'client', 'bob');
  const { address } = await serve(t, bob, Discovery, handlers);
  const pinned = createClient(Discovery, open(t, address, toPeer(alice, publicBytes(bob.privateKey))));
  t.is((await pinned.lookUp(ask)).entry?.name, 'bob');
  const wrong = createClient(Discovery, open(t, address, toPeer(alice, publicBytes(drawKey()))));
  const error = await t.throwsAsync(wrong.lookUp(ask), { instanceOf: Refused });
  t.is(error.reason, Reason.KEY_CHANGED);
});

test.serial('a role that may not make a call is refused', async (t) => {
  const { s1, alice } = await cloud();
  const allow = { lookUp: ['server'] } as never;
  const { address } = await serve(t, s1, Discovery, handlers, { allow });
  const client = createClient(Discovery, open(t, address, toServer(alice)));
  const error = await t.throwsAsync(client.lookUp(ask), { instanceOf: Refused });
  t.is(error.reason, Reason.WRONG_ROLE);
  const unlisted = await t.throwsAsync(client.leave({}), { instanceOf: Refused });
  t.is(unlisted.reason, Reason.WRONG_ROLE);
});

test.serial('a certificate that was replaced is refused by whoever asks the directory', async (t) => {
  const { s1, alice } = await cloud();
  const { address } = await serve(t, s1, Discovery, handlers, {
    authorize: (caller) => {
      t.deepEqual(caller, { role: 'client', name: 'alice', signingKey: publicBytes(alice.privateKey) });
      throw new Refused(Reason.KEY_REPLACED, 'Your key was replaced by a recovery.');
    },
  });
  const client = createClient(Discovery, open(t, address, toServer(alice)));
  const error = await t.throwsAsync(client.lookUp(ask), { instanceOf: Refused });
  t.is(error.reason, Reason.KEY_REPLACED);
});

test.serial('a listener that renews its certificate presents the new one to new connections', async (t) => {
  const { s1, authority } = await cloud();
  const credentials = new ListenerCredentials(s1, 'none');
  const server = await startServer({ host: '127.0.0.1', port: 0, credentials, register: () => undefined });
  t.teardown(() => server.stop(100));
  const before = await shake(t, server.address);
  credentials.renew(await drawIdentity(authority, 'server', 's1'));
  const after = await shake(t, server.address);
  t.is(before.getProtocol(), 'TLSv1.3');
  t.not(before.getPeerCertificate().fingerprint256, after.getPeerCertificate().fingerprint256);
});

test.serial('older TLS is refused', async (t) => {
  const { s1 } = await cloud();
  const { address } = await serve(t, s1, Discovery, handlers);
  const socket = connect({ ...parseAddress(address)!, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
  t.regex(error.message, /protocol version/);
});

test.serial('a newcomer finds the CA of its join code, and no other', async (t) => {
  const { s1, authority } = await cloud();
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    credentials: new ListenerCredentials(s1, 'none'),
    register: () => undefined,
  });
  t.teardown(() => server.stop(100));
  const signal = new AbortController().signal;
  const fingerprint = authorityFingerprint(authority.certificate);
  t.deepEqual(await fetchCa(server.address, fingerprint, signal), authority.certificate);
  const leaf = authorityFingerprint(s1.certificate);
  for (const other of [new Uint8Array(32), leaf]) {
    const error = await t.throwsAsync(fetchCa(server.address, other, signal), { instanceOf: Refused });
    t.is(error.reason, Reason.BAD_JOIN_CODE);
  }
});

test.serial('a newcomer hears when nobody listens, and stops waiting when told', async (t) => {
  const { s1 } = await cloud();
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    credentials: new ListenerCredentials(s1, 'none'),
    register: () => undefined,
  });
  const never = new AbortController().signal;
  await t.throwsAsync(fetchCa(server.address, new Uint8Array(32), AbortSignal.abort()), {
    instanceOf: Unreachable,
  });
  await server.stop(100);
  await t.throwsAsync(fetchCa(server.address, new Uint8Array(32), never), { instanceOf: Unreachable });
  await t.throwsAsync(fetchCa('unix:/etc/passwd', new Uint8Array(32), never), { instanceOf: Unreachable });
});

function shake(t: { teardown(end: () => void): void }, address: string): Promise<TLSSocket> {
  const socket = connect({ ...parseAddress(address)!, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  t.teardown(() => socket.destroy());
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });
}
