/** Connections that nobody needs: half open, silent, or too many. The others go on. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import { parseAddress } from '../../../core/address.js';
import type { Authority } from '../../../core/identity/certificates.js';
import { ListenerCredentials, toServer } from '../../../core/identity/tls.js';
import { createClient } from '../../../core/rpc/client.js';
import { Unreachable } from '../../../core/rpc/errors.js';
import { CONNECTIONS, RPC_LIMITS } from '../../../core/rpc/limits.js';
import type { Callers } from '../../../core/rpc/limits.js';
import type { Handlers } from '../../../core/rpc/method.js';
import { addService } from '../../../core/rpc/service.js';
import { startServer } from '../../../core/rpc/server.js';
import { drawAuthority, drawIdentity } from '../../identities.js';
import { nobody, open, serve } from './listening.js';

const ask = { name: 'bob' };
const lookUp = async () => ({ entry: { name: 'bob' } });

/** Sockets that are closed at the end, if they are not before. */
function opened<T extends Socket>(t: ExecutionContext, count: number, one: () => T): T[] {
  const sockets = Array.from({ length: count }, () => one().on('error', () => undefined));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  return sockets;
}

const closed = (sockets: readonly Socket[]) =>
  Promise.all(sockets.map(async (socket) => socket.closed || once(socket.resume(), 'close')));

async function member(t: ExecutionContext, handlers: Partial<Handlers<typeof Discovery>> = { lookUp }) {
  const authority = await drawAuthority();
  const s1 = await drawIdentity(authority, 'server', 's1');
  const { address } = await serve(t, s1, Discovery, handlers);
  return { authority, address };
}

async function caller(t: ExecutionContext, authority: Authority, address: string) {
  const identity = await drawIdentity(authority, 'client', 'alice');
  return () => createClient(Discovery, open(t, address, toServer(identity)));
}

test.serial('a thousand half-open connections are closed, and who means it gets through', async (t) => {
  const { authority, address } = await member(t);
  const call = await caller(t, authority, address);
  const sockets = opened(t, 1_000, () => connect(parseAddress(address)!));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  t.is((await call().lookUp(ask)).entry?.name, 'bob');
  const tooMany = sockets.length - RPC_LIMITS.handshakesPerNetworkMax;
  await closed(sockets.slice(0, tooMany - 1));
  t.is((await call().lookUp(ask)).entry?.name, 'bob', 'while handshakes wait for their end');
  await closed(sockets);
  t.is((await call().lookUp(ask)).entry?.name, 'bob');
});

test.serial('handshakes that were begun and not finished end with the listener', async (t) => {
  const authority = await drawAuthority();
  const s1 = await drawIdentity(authority, 'server', 's1');
  const server = await serve(t, s1, Discovery, { lookUp });
  const sockets = opened(t, 10, () => connect(parseAddress(server.address)!));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const call = await caller(t, authority, server.address);
  await call().lookUp(ask);
  await server.stop(60_000);
  await closed(sockets);
  t.pass();
});

test.serial('one name has so many connections, and the oldest makes room', async (t) => {
  let begun!: () => void;
  const waiting = new Promise<void>((resolve) => (begun = resolve));
  const { authority, address } = await member(t, {
    lookUp,
    list: async (_, { signal }) => {
      begun();
      await once(signal, 'abort');
      return {};
    },
  });
  const call = await caller(t, authority, address);
  const oldest = t.throwsAsync(call().list({}, { deadlineMs: 60_000 }), { instanceOf: Unreachable });
  await waiting;
  for (let more = 0; more < CONNECTIONS.members.perOriginMax; more += 1) await call().lookUp(ask);
  t.not((await oldest).message, 'No answer in time.');
});

async function strangersAt(t: ExecutionContext, callers: Callers) {
  const authority = await drawAuthority();
  const identity = await drawIdentity(authority, 'server', 's1');
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    callers,
    credentials: new ListenerCredentials(identity, 'none'),
    register: (grpcServer) => {
      const every = Object.fromEntries(Discovery.methods.map(({ localName }) => [localName, nobody]));
      addService(grpcServer, Discovery, every as never, { allow: {} as never, failed: () => undefined });
    },
  });
  t.teardown(() => server.stop(0));
  return parseAddress(server.address)!;
}

test.serial(
  'strangers that finish the handshake and say nothing are closed, the oldest at once',
  async (t) => {
    const address = await strangersAt(t, 'strangers');
    const more = 20;
    const sockets = opened(t, CONNECTIONS.strangers.perOriginMax + more, () =>
      connectTls({ ...address, servername: 'glimpse', rejectUnauthorized: false, ALPNProtocols: ['h2'] }),
    );
    await closed(sockets);
    t.pass();
  },
);
