/**
 * Looking for the token: a Want travels forward until it meets it; one that comes back did not, and a Claim goes
 * round among those that seek it, to decide who mints (Chang and Roberts, over (epoch, id)). docs/protocol.md, "The token".
 */
import { create } from '@bufbuild/protobuf';
import { ClaimSchema, WantSchema } from '../../../gen/glimpse/v1/election_pb.js';
import type { Claim, Want } from '../../../gen/glimpse/v1/election_pb.js';
import { compareEpochs } from './epoch.js';
import { liesBetween, successorOf } from './members.js';
import { promise } from './promise.js';
import { changed, RING_LIMITS } from './state.js';
import type { Message, Outcome, Search, State } from './state.js';
import { mint, wanted } from './token.js';

function retryAtMs(state: State, tries: number): number {
  const hurry = state.nowMs < state.troubleUntilMs;
  return (
    state.nowMs +
    (hurry ? Math.min(RING_LIMITS.wantMs, RING_LIMITS.wantHurryMs * 2 ** tries) : RING_LIMITS.wantMs)
  );
}

/** Sends a Want or a Claim of this member's own; alone in the ring, it mints. */
function seek(state: State, search: Pick<Search, 'claiming' | 'for' | 'tries'>): Outcome {
  const to = successorOf(state);
  if (to === undefined) return mint(state, search.for, 'alone');
  const fields = { id: state.self, epoch: state.promised, hops: 1 };
  const message: Message = search.claiming
    ? { case: 'claim', value: create(ClaimSchema, fields) }
    : { case: 'want', value: create(WantSchema, fields) };
  return [
    changed(state, { search: { ...search, retryAtMs: retryAtMs(state, search.tries) } }),
    [{ type: 'send', to, message }],
  ];
}

/** Seeks the token, if something waits here and it is not sought already, or not heard of for too long. */
export function seekToken(state: State): Outcome {
  const { search } = state;
  if (state.held || (search && search.retryAtMs > state.nowMs)) return [state, []];
  const needed = state.storeReachable && state.waiting.length > 0;
  if (!needed) return [search ? changed(state, { search: undefined }) : state, []];
  return seek(state, { claiming: false, for: search?.for ?? [], tries: search ? search.tries + 1 : 0 });
}

/** Passes a Want or a Claim on, unless it would pass over its origin: then it has been round. */
function forward(state: State, message: Extract<Message, { case: 'want' | 'claim' }>): Outcome {
  const { id, hops } = message.value;
  const to = successorOf(state);
  const round = to === undefined || liesBetween(id, state.self, to) || hops >= RING_LIMITS.membersMax;
  if (round) return [state, []];
  const value = { ...message.value, hops: hops + 1 };
  return [state, [{ type: 'send', to, message: { ...message, value } as Message }]];
}

export function wantArrived(state: State, want: Want): Outcome {
  const after = promise(state, want.epoch!);
  if (after.held) return [wanted(after, want.id), []];
  if (want.id !== state.self) return forward(after, { case: 'want', value: want });
  const { search } = after;
  if (!search || search.claiming || after.passed) return [after, []];
  return seek(after, { ...search, claiming: true });
}

/** Whether another candidate's claim gives way to this one's own. */
function outbids(state: State, claim: Claim): boolean {
  if (!state.search?.claiming) return false;
  const byEpoch = compareEpochs(claim.epoch!, state.promised);
  return byEpoch < 0 || (byEpoch === 0 && claim.id < state.self);
}

/** Only candidates compete; the others let a claim pass and see to it that it knows the highest epoch. */
export function claimArrived(state: State, claim: Claim): Outcome {
  const after = promise(state, claim.epoch!);
  if (after.held) return [wanted(after, claim.id), []];
  if (claim.id === state.self) return claimReturned(after);
  if (outbids(state, claim)) return [standIn(after, claim.id), []];
  return forward(after, { case: 'claim', value: { ...claim, epoch: after.promised } });
}

function claimReturned(state: State): Outcome {
  const { search } = state;
  return search?.claiming && !state.passed ? mint(state, search.for, 'the token was lost') : [state, []];
}

/** The token will be minted for the candidate that gave way too. */
function standIn(state: State, id: string): State {
  const search = state.search!;
  return changed(state, { search: { ...search, for: [...new Set([...search.for, id])] } });
}
