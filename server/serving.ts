/** One server at work: the order in which its parts, its listeners and its place in the ring begin and end. */
import { randomInt } from 'node:crypto';
import type { Closing } from './closing.js';
import { expectMember } from './election/address-book.js';
import type { Expected } from './election/address-book.js';
import { Ring } from './election/driver.js';
import { watchReadings } from './election/readings.js';
import type { Choose } from './election/ring/state.js';
import { listen } from './listening.js';
import type { Listening, ListeningOptions } from './listening.js';
import { keepUp, openParts } from './parts.js';
import type { Parts } from './parts.js';

export const SERVING_LIMITS = {
  /** What is being hidden when the server is to stop has so long to be finished; its clients elect anew if not. */
  drainMs: 10_000,
} as const;

export interface Serving {
  /** Where its services are, host:port, as others are told. */
  readonly address: string;
  /** Where newcomers enrol, host:port, as others are told. */
  readonly enrolment: string;
  /** Sends everybody elsewhere, and resolves when what was begun is done. */
  drain(): Promise<void>;
}

export interface ServingOptions extends ListeningOptions {
  /** Whom to elect; the least loaded, if not given. */
  readonly choose?: Choose;
  /** Servers of the cloud that others may be told of before they first start; none, if not given. */
  readonly peers?: readonly Expected[];
}

/** Whatever was begun is in `closing`, also when this fails. @throws CannotListen, StoreUnavailable, BadCluster */
export async function startServing(options: ServingOptions, closing: Closing): Promise<Serving> {
  const parts = await openParts(options, closing);
  keepUp(parts, closing);
  const listening = await listen(options, parts, closing);
  await takeSeat(options, parts, listening, closing);
  const { address, enrolment } = listening;
  return {
    address,
    enrolment,
    drain: async () => {
      listening.turnAway();
      const moved = parts.sessions.goodbye();
      const undone = await parts.seat.drain(SERVING_LIMITS.drainMs);
      await moved;
      if (undone > 0) options.log('warn', 'hides were cut off', { undone });
    },
  };
}

async function takeSeat(
  { id, log, choose, peers }: ServingOptions,
  { store, identity, cluster, seat }: Parts,
  { address, enrolment }: Listening,
  closing: Closing,
): Promise<void> {
  const measuring = new AbortController();
  closing.add('readings', () => measuring.abort());
  const reading = await watchReadings({
    signal: measuring.signal,
    onReading: (sample) => seat.ring?.sample(sample),
    onFailure: (cause) => log('warn', 'load cannot be measured', { cause: String(cause) }),
  });
  for (const expected of peers ?? []) await expectMember(store, expected);
  const ring = await Ring.join({
    id,
    address,
    enrolmentAddress: enrolment,
    store,
    identity: () => identity,
    secrets: cluster.secrets,
    latestSecretId: cluster.latestSecretId,
    reading,
    log,
    seed: randomInt(2 ** 31),
    choose,
  });
  seat.take(ring);
  closing.add('ring', () => ring.leave());
}
