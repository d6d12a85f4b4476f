/** Clouds of a few listeners whose handlers a test writes: real sockets, real TLS, loopback, any free port. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { Cloud } from '../../../client/cloud/cloud.js';
import { Failover } from '../../../client/cloud/failover.js';
import { Servers } from '../../../client/cloud/servers.js';
import type { ServerClients } from '../../../client/cloud/servers.js';
import { ListenerCredentials } from '../../../core/identity/tls.js';
import type { Handlers } from '../../../core/rpc/method.js';
import { addService } from '../../../core/rpc/service.js';
import { startServer } from '../../../core/rpc/server.js';
import type { RunningServer } from '../../../core/rpc/server.js';
import { Discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Election } from '../../../gen/glimpse/v1/election_pb.js';
import { Stego } from '../../../gen/glimpse/v1/stego_pb.js';
import type { Authority } from '../../../core/identity/certificates.js';
import { drawAuthority, drawIdentity } from '../../identities.js';

/** What one server does; what is left out throws. */
export interface Serving {
  readonly discovery?: Partial<Handlers<typeof Discovery>>;
  readonly election?: Partial<Handlers<typeof Election>>;
  readonly stego?: Partial<Handlers<typeof Stego>>;
}

export interface TestCloud {
  readonly cloud: Cloud;
  readonly at: (address: string) => ServerClients;
  readonly servers: readonly RunningServer[];
  readonly authority: Authority;
}

const stopMs = 500;

/** Servers in the order in which the client asks them. */
export async function cloudOf(t: ExecutionContext, ...serving: readonly Serving[]): Promise<TestCloud> {
  const authority = await drawAuthority();
  const servers = await Promise.all(serving.map((one, at) => serverOf(t, authority, `s${at + 1}`, one)));
  const { cloud, at } = await clientOf(
    t,
    authority,
    servers.map(({ address }) => address),
  );
  return { cloud, at, servers, authority };
}

export async function clientOf(t: ExecutionContext, authority: Authority, addresses: readonly string[]) {
  const connections = new Servers(await drawIdentity(authority, 'client', 'alice'));
  t.teardown(() => connections.close());
  const at = (address: string): ServerClients => connections.at(address);
  return { cloud: new Cloud(new Failover(addresses, at)), at };
}

async function serverOf(
  t: ExecutionContext,
  authority: Authority,
  id: string,
  serving: Serving,
): Promise<RunningServer> {
  const identity = await drawIdentity(authority, 'server', id);
  const failed = (_: string, cause: unknown): void => t.log(id, cause);
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    credentials: new ListenerCredentials(identity, 'required'),
    register: (grpcServer) => {
      const { discovery, election, stego } = serving;
      addService(grpcServer, Discovery, complete(Discovery, discovery), {
        allow: every(Discovery, clients),
        failed,
      });
      addService(grpcServer, Election, complete(Election, election), {
        allow: every(Election, clients),
        failed,
      });
      addService(grpcServer, Stego, complete(Stego, stego), { allow: every(Stego, clients), failed });
    },
  });
  t.teardown(() => server.stop(stopMs));
  return server;
}

const clients = ['client'] as const;
type Service = typeof Discovery | typeof Election | typeof Stego;

function every<S extends Service, V>(service: S, value: V): { readonly [K in keyof S['method']]: V } {
  return Object.fromEntries(service.methods.map(({ localName }) => [localName, value])) as {
    [K in keyof S['method']]: V;
  };
}

function complete<S extends Service>(service: S, handlers: Partial<Handlers<S>> = {}): Handlers<S> {
  const nobody = (): never => {
    throw new Error('this handler is not part of the test');
  };
  return { ...every(service, nobody), ...handlers } as unknown as Handlers<S>;
}

/** Accepts connections and never says a word, as a stopped process does. */
export async function mute(t: ExecutionContext): Promise<string> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address on which nobody listens. */
export async function deserted(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}
