/** A client of a cloud, as small as one can be, and what it asks. */
import { randomBytes } from 'node:crypto';
import { Cloud } from '../../client/cloud/cloud.js';
import { Failover } from '../../client/cloud/failover.js';
import type { Servers, ServerClients } from '../../client/cloud/servers.js';

/** A client of the cloud that asks its servers in this order. */
export class Client {
  readonly connections: Servers;
  readonly cloud: Cloud;
  readonly at = (address: string): ServerClients => this.connections.at(address);

  constructor(connections: Servers, addresses: readonly string[]) {
    this.connections = connections;
    this.cloud = new Cloud(new Failover(addresses, this.at));
  }
}

export const requestId = (): Uint8Array => new Uint8Array(randomBytes(16));

export async function elect(cloud: Cloud, sealedBytes: number) {
  const asked = { requestId: requestId(), sealedBytes };
  return cloud.call((at, each) => at.election.elect(asked, each));
}

export async function timed(act: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now();
  await act();
  return performance.now() - begunMs;
}
