/**
 * Connections to peers, kept for a while after they were used: a handshake of two certificates costs both sides more
 * than a small picture. One that failed is never used again, so whoever asks anew connects anew.
 */
import { LRUCache } from 'lru-cache';
import type { Identity } from '../../core/identity/tls.js';
import { toPeer } from '../../core/identity/tls.js';
import type { Channel } from '../../core/rpc/channel.js';
import { openChannel } from '../../core/rpc/channel.js';
import { createClient } from '../../core/rpc/client.js';
import type { Client } from '../../core/rpc/method.js';
import { Peer } from '../../gen/glimpse/v1/peer_pb.js';
import { PEER_LIMITS } from './limits.js';

/** One use of a connection. */
export interface PeerLine {
  readonly peer: Client<typeof Peer>;
  /** It works: whoever calls the same peer soon may have it. */
  keep(): void;
  /** Ends this use, and the connection with it unless it is kept or used otherwise. */
  close(): void;
}

interface Line {
  readonly channel: Channel;
  readonly peer: Client<typeof Peer>;
  users: number;
}

export class PeerLines {
  readonly #identity: Identity;
  #closed = false;
  readonly #kept = new LRUCache<string, Line>({
    max: PEER_LIMITS.linesKeptMax,
    ttl: PEER_LIMITS.lineKeptMs,
    ttlAutopurge: true,
    dispose: (line) => this.#drop(line),
  });

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /** A connection to exactly this key at this address; it is made by the first call. */
  take(address: string, signingKey: Uint8Array): PeerLine {
    const key = `${address} ${Buffer.from(signingKey).toString('hex')}`;
    const line = this.#kept.get(key) ?? this.#open(address, signingKey);
    line.users += 1;
    let [good, over] = [false, false];
    return {
      peer: line.peer,
      keep: () => (good = true),
      close: () => {
        if (over) return;
        over = true;
        line.users -= 1;
        if (good) this.#keep(key, line);
        else if (this.#kept.peek(key) === line) this.#kept.delete(key);
        else this.#drop(line);
      },
    };
  }

  /** Those in use end with their use. */
  close(): void {
    this.#closed = true;
    this.#kept.clear();
  }

  #open(address: string, signingKey: Uint8Array): Line {
    const channel = openChannel(address, toPeer(this.#identity, signingKey), { keepalive: 'clients' });
    return { channel, peer: createClient(Peer, channel), users: 0 };
  }

  /** Of two to the same peer, one. */
  #keep(key: string, line: Line): void {
    const other = this.#kept.peek(key);
    if (this.#closed || (other !== undefined && other !== line)) this.#drop(line);
    else this.#kept.set(key, line);
  }

  #drop(line: Line): void {
    if (line.users === 0) line.channel.close();
  }
}
