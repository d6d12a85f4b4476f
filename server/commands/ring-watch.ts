/** Watches the ring through whichever server answers. */
import { setTimeout } from 'node:timers/promises';
import type { Identity } from '../../core/identity/tls.js';
import { toServer } from '../../core/identity/tls.js';
import { openChannel } from '../../core/rpc/channel.js';
import { createClient } from '../../core/rpc/client.js';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import { Election } from '../../gen/glimpse/v1/election_pb.js';
import type { WatchResponse } from '../../gen/glimpse/v1/election_pb.js';

/** Between one server that does not answer and the next. */
const pauseMs = 200;

/** The ring as one server after the other sees it, until the signal aborts. */
export async function* watchRing(
  addresses: () => readonly string[],
  identity: Identity,
  signal: AbortSignal,
): AsyncGenerator<WatchResponse> {
  for (let turn = 0; !signal.aborted; turn += 1) {
    const known = addresses();
    const address = known[turn % Math.max(known.length, 1)];
    if (address !== undefined) yield* watchAt(address, identity, signal);
    await setTimeout(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

async function* watchAt(
  address: string,
  identity: Identity,
  signal: AbortSignal,
): AsyncGenerator<WatchResponse> {
  const channel = openChannel(address, toServer(identity), { keepalive: 'servers' });
  try {
    yield* createClient(Election, channel).watch({}, { signal });
  } catch (error) {
    if (!(error instanceof Unreachable || error instanceof Refused || signal.aborted)) throw error;
  } finally {
    channel.close();
  }
}
