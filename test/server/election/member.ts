/** A member as a server runs it: a store, a listener with real TLS, the Election service, the ring. */
import { ListenerCredentials } from '../../../core/identity/tls.js';
import type { Identity } from '../../../core/identity/tls.js';
import { startServer } from '../../../core/rpc/server.js';
import type { RunningServer } from '../../../core/rpc/server.js';
import { addService } from '../../../core/rpc/service.js';
import { Election } from '../../../gen/glimpse/v1/election_pb.js';
import { Ring } from '../../../server/election/driver.js';
import type { RingParts } from '../../../server/election/driver.js';
import { electionAllows, electionService } from '../../../server/election/service.js';
import type { Log } from '../../../server/log.js';
import type { Store } from '../../../server/store/store.js';

export const secrets = new Map([[1, new Uint8Array(32).fill(7)]]);
export const owner = new Uint8Array(32).fill(9);

export interface Member {
  readonly ring: Ring;
  readonly server: RunningServer;
  readonly address: string;
}

export async function startMember(
  id: string,
  store: Store,
  identity: Identity,
  log: Log,
  reading: Partial<RingParts['reading']> = {},
): Promise<Member> {
  let ring: Ring | undefined = undefined;
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    credentials: new ListenerCredentials(identity, 'required'),
    register: (listener) =>
      addService(
        listener,
        Election,
        electionService(
          () => ring,
          async () => owner,
        ),
        { allow: electionAllows, failed: (method, cause) => log('error', method, { cause: String(cause) }) },
      ),
  });
  ring = await Ring.join({
    id,
    address: server.address,
    enrolmentAddress: '127.0.0.1:1',
    store,
    identity: () => identity,
    secrets,
    latestSecretId: 1,
    reading: { backgroundCores: 0, cores: 2, speed: 1, cpu: 0, ...reading },
    log,
    seed: id.charCodeAt(0),
  });
  return { ring, server, address: server.address };
}
