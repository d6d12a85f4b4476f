/** The Election service: what clients and the other members ask of the ring. docs/protocol.md, "The ring". */
import { setTimeout } from 'node:timers/promises';
import { Refused } from '../../core/rpc/errors.js';
import type { Caller, Holder } from '../../core/identity/role.js';
import type { Allowed, Context, Handlers } from '../../core/rpc/method.js';
import type { Election, PassRequest, WatchResponse } from '../../gen/glimpse/v1/election_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Ring } from './driver.js';
import type { Outbox } from './outbox.js';

/** At most twice a second. */
const watchMs = 500;

export const electionAllows: Allowed<typeof Election> = {
  elect: ['client'],
  watch: ['client', 'server'],
  pass: ['server'],
  announce: ['server'],
};

/**
 * `ringNow` is undefined while the server starts: it must listen before it can join. `fingerprintOf` is that of a
 * client's current keys in the directory.
 */
export function electionService(
  ringNow: () => Ring | undefined,
  fingerprintOf: (caller: Caller) => Promise<Uint8Array>,
): Handlers<typeof Election> {
  const joined = (): Ring => {
    const ring = ringNow();
    if (!ring) throw new Refused(Reason.NO_LEADER, 'This server has just started: ask again, or another.');
    return ring;
  };
  return {
    async elect({ requestId, sealedBytes }, { caller, signal }) {
      const ownerFingerprint = await fingerprintOf(caller);
      const { ticket, leader, address } = await joined().elect(
        { requestId, ownerFingerprint, sealedBytes },
        signal,
      );
      return { ticket, leader, leaderAddress: address };
    },

    watch: (_, { signal }) => watch(joined(), signal),

    pass(requests, context) {
      const from = memberAt(context);
      const ring = joined();
      const answers = ring.accept(from);
      void hear(ring, from, requests, answers);
      return answers;
    },

    async announce({ member, epoch }, context) {
      const from = memberAt(context);
      if (member?.id !== from) throw new Refused(Reason.WRONG_ROLE, `${from} may announce itself alone.`);
      return joined().announced(member, epoch!);
    },
  };
}

/** Roles were checked: only servers get here. */
const memberAt = ({ caller }: Context): string => (caller as Holder).name;

async function hear(
  ring: Ring,
  from: string,
  requests: AsyncIterable<PassRequest>,
  answers: Pick<Outbox<never>, 'end' | 'fail'>,
): Promise<void> {
  try {
    for await (const { message } of requests) {
      if (message.case !== undefined) ring.heard(from, message);
    }
    answers.end();
  } catch (error) {
    answers.fail(error instanceof Error ? error : new Error(String(error)));
  }
}

async function* watch(ring: Ring, signal: AbortSignal): AsyncGenerator<WatchResponse> {
  for (;;) {
    const ended = new AbortController();
    const changed = new Promise<void>((resolve) =>
      ring.onChange(resolve, AbortSignal.any([signal, ended.signal])),
    );
    yield ring.status();
    await setTimeout(watchMs, undefined, { signal });
    await changed;
    ended.abort();
  }
}
