/** A cloud of one listener for tests of the RPC edge: real sockets, real TLS, loopback, any free port. */
import type { DescService } from '@bufbuild/protobuf';
import type { ExecutionContext } from 'ava';
import { ListenerCredentials, toServer } from '../../../core/identity/tls.js';
import type { Credentials, Identity } from '../../../core/identity/tls.js';
import { openChannel } from '../../../core/rpc/channel.js';
import type { Channel } from '../../../core/rpc/channel.js';
import { createClient } from '../../../core/rpc/client.js';
import type { Silence } from '../../../core/rpc/limits.js';
import type { Allowed, Client, Handlers } from '../../../core/rpc/method.js';
import { addService } from '../../../core/rpc/service.js';
import type { ServiceOptions } from '../../../core/rpc/service.js';
import { startServer } from '../../../core/rpc/server.js';
import type { RunningServer } from '../../../core/rpc/server.js';
import { drawAuthority, drawIdentity } from '../../identities.js';

export interface Listening<S extends DescService> {
  readonly client: Client<S>;
  readonly channel: Channel;
  readonly server: RunningServer;
  /** What handlers failed with. */
  readonly failures: unknown[];
}

const stopMs = 1000;

export const nobody = (): never => {
  throw new Error('this handler is not part of the test');
};

/** Serves `handlers`; whatever is left out throws. Everyone may call everything unless `options` says less. */
export async function listen<S extends DescService>(
  t: ExecutionContext,
  service: S,
  handlers: Partial<Handlers<S>>,
  options: Partial<ServiceOptions<S>> = {},
): Promise<Listening<S>> {
  const authority = await drawAuthority();
  const [s1, alice] = await Promise.all([
    drawIdentity(authority, 'server', 's1'),
    drawIdentity(authority, 'client', 'alice'),
  ]);
  const failures: unknown[] = [];
  const server = await serve(t, s1, service, handlers, {
    failed: (_, cause) => void failures.push(cause),
    ...options,
  });
  const channel = open(t, server.address, toServer(alice));
  return { client: createClient(service, channel), channel, server, failures };
}

export async function serve<S extends DescService>(
  t: ExecutionContext,
  identity: Identity,
  service: S,
  handlers: Partial<Handlers<S>>,
  options: Partial<ServiceOptions<S>> = {},
  silence?: Silence,
): Promise<RunningServer> {
  const every = <V>(value: V): Record<string, V> =>
    Object.fromEntries(service.methods.map(({ localName }) => [localName, value]));
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    ...(silence && { silence }),
    credentials: new ListenerCredentials(identity, 'required'),
    register: (grpcServer) =>
      addService(
        grpcServer,
        service,
        { ...every(nobody), ...handlers },
        {
          allow: every(['client', 'server']) as Allowed<S>,
          failed: (_, cause) => t.log(cause),
          ...options,
        },
      ),
  });
  t.teardown(() => server.stop(stopMs));
  return server;
}

export function open(t: ExecutionContext, address: string, credentials: Credentials): Channel {
  const channel = openChannel(address, credentials);
  t.teardown(() => channel.close());
  return channel;
}
