/** Connections to the servers of the cloud: one channel an address, opened at first use and kept. */
import type { Client } from '../../core/rpc/method.js';
import { createClient } from '../../core/rpc/client.js';
import type { Channel } from '../../core/rpc/channel.js';
import { openChannel } from '../../core/rpc/channel.js';
import type { Identity } from '../../core/identity/tls.js';
import { toServer } from '../../core/identity/tls.js';
import { Discovery } from '../../gen/glimpse/v1/discovery_pb.js';
import { Election } from '../../gen/glimpse/v1/election_pb.js';
import { Stego } from '../../gen/glimpse/v1/stego_pb.js';

/** What a client calls at one server. */
export interface ServerClients {
  readonly address: string;
  readonly discovery: Client<typeof Discovery>;
  readonly election: Client<typeof Election>;
  readonly stego: Client<typeof Stego>;
}

interface Connection extends ServerClients {
  readonly channel: Channel;
}

export class Servers {
  readonly #identity: Identity;
  readonly #connections = new Map<string, Connection>();

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  at(address: string): ServerClients {
    const known = this.#connections.get(address);
    if (known) return known;
    const channel = openChannel(address, toServer(this.#identity), { keepalive: 'clients' });
    const connection = {
      address,
      channel,
      discovery: createClient(Discovery, channel),
      election: createClient(Election, channel),
      stego: createClient(Stego, channel),
    };
    this.#connections.set(address, connection);
    return connection;
  }

  close(): void {
    for (const { channel } of this.#connections.values()) channel.close();
    this.#connections.clear();
  }
}
