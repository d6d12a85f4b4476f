/** Asks the server that holds a session about it, over one kept channel a server. */
import { toServer } from '../../core/identity/tls.js';
import type { Identity } from '../../core/identity/tls.js';
import { openChannel } from '../../core/rpc/channel.js';
import type { Channel } from '../../core/rpc/channel.js';
import { createClient } from '../../core/rpc/client.js';
import { Unreachable } from '../../core/rpc/errors.js';
import { Discovery } from '../../gen/glimpse/v1/discovery_pb.js';
import { DISCOVERY_LIMITS } from './limits.js';

export class OtherServers {
  readonly #addressOf: (server: string) => string | undefined;
  readonly #identity: Identity;
  readonly #channels = new Map<string, Channel>();

  /** `addressOf` is where a server listens, host:port, as far as this one knows. */
  constructor(addressOf: (server: string) => string | undefined, identity: Identity) {
    this.#addressOf = addressOf;
    this.#identity = identity;
  }

  /** Whether the client of this session answers that server. @throws Unreachable if the server does not */
  async ask(server: string, name: string, sessionId: Uint8Array): Promise<boolean> {
    const address = this.#addressOf(server);
    if (address === undefined) throw new Unreachable(`${server} does not run`);
    const client = createClient(Discovery, this.#channel(server, address));
    const { alive } = await client.checkSession(
      { name, sessionId },
      { deadlineMs: DISCOVERY_LIMITS.checkMs },
    );
    return alive;
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }

  #channel(server: string, address: string): Channel {
    const known = this.#channels.get(server);
    if (known?.address === address) return known;
    known?.close();
    const channel = openChannel(address, toServer(this.#identity), { keepalive: 'servers' });
    this.#channels.set(server, channel);
    return channel;
  }
}
