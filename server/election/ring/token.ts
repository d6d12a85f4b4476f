/**
 * The token: taking it, passing it, bypassing a neighbour that does not answer, minting. It is never sent twice:
 * a bypass mints a new epoch, since the silent neighbour may hold the old one. docs/protocol.md, "The token".
 */
import { create } from '@bufbuild/protobuf';
import { TokenSchema, TokenTakenSchema } from '../../../gen/glimpse/v1/election_pb.js';
import type { Token, TokenTaken } from '../../../gen/glimpse/v1/election_pb.js';
import { compareEpochs, nextEpoch } from './epoch.js';
import { restoreCredits, visitedLoads } from './load.js';
import { giveUp, linkTo, patienceMs } from './links.js';
import { isUp, liesBetween, successorOf } from './members.js';
import { promise } from './promise.js';
import { andThen, changed, RING_LIMITS } from './state.js';
import type { Outcome, State } from './state.js';

/** The token is here: own row written, credits restored after a mint, nothing sought any more. */
function hold(state: State, token: Token): State {
  const loads = [...restoreCredits(state, visitedLoads(state, token.loads))];
  const wantedBy = token.wantedBy.filter((id) => id !== state.self);
  return changed(state, {
    held: { token: { ...token, loads, wantedBy }, index: 0 },
    passed: undefined,
    search: undefined,
    restored: state.promised,
    promisedHop: token.hop,
    loads,
    lastLeader: token.lastLeader,
  });
}

/** Brings the vector of a token that was parked up to date. */
export function revisit(state: State): State {
  const held = state.held!;
  const loads = [...visitedLoads(state, held.token.loads)];
  return changed(state, { held: { ...held, token: { ...held.token, loads } }, loads });
}

/** A token arrived. One that was replaced, or was here before, dies here; its sender need not know. */
export function received(state: State, from: string, token: Token): Outcome {
  const epoch = token.epoch!;
  const value = create(TokenTakenSchema, { epoch, hop: token.hop });
  const effects = [{ type: 'send', to: from, message: { case: 'taken', value } }] as const;
  const after = promise(state, epoch);
  const dead = compareEpochs(epoch, after.promised) < 0 || token.hop <= after.promisedHop;
  return [dead ? after : hold(after, token), effects];
}

export function taken(state: State, from: string, answer: TokenTaken): State {
  const { passed } = state;
  const matches =
    passed?.to === from &&
    passed.token.hop === answer.hop &&
    compareEpochs(passed.token.epoch!, answer.epoch!) === 0;
  return matches ? changed(state, { passed: undefined }) : state;
}

/** Mints a token from the rows last seen, for this member and for those that want one. */
export function mint(state: State, wantedBy: readonly string[], why: string): Outcome {
  const epoch = nextEpoch(state.promised, state.self, state.life);
  const token = create(TokenSchema, {
    epoch,
    hop: 0,
    loads: [...state.loads],
    wantedBy: [...new Set(wantedBy)],
    lastLeader: state.lastLeader,
  });
  return [hold(promise(state, epoch), token), [{ type: 'mint', epoch, why }]];
}

/** Hands the token to the successor; whoever it passes over on the way is not waited for. */
export function pass(state: State): Outcome {
  const { token } = state.held!;
  const to = successorOf(state);
  if (to === undefined)
    return [changed(state, { held: { ...state.held!, token: { ...token, wantedBy: [] } } }), []];
  if (token.hop >= RING_LIMITS.hopMax) {
    return andThen(mint(state, token.wantedBy, 'the hops of the last epoch ran out'), pass);
  }
  const wantedBy = token.wantedBy.filter((id) => !liesBetween(id, state.self, to));
  const value: Token = {
    ...token,
    hop: token.hop + 1,
    loads: [...visitedLoads(state, token.loads)],
    wantedBy,
  };
  return [
    changed(state, {
      held: undefined,
      passed: { token: value, to, silentAtMs: state.nowMs + patienceMs(linkTo(state, to)) },
      promisedHop: value.hop,
      loads: value.loads,
    }),
    [{ type: 'send', to, message: { case: 'token', value } }],
  ];
}

/** If the neighbour that the token was passed to is gone or silent, a new token is minted in its place. */
export function bypass(state: State): Outcome {
  const { passed } = state;
  if (!passed) return [state, []];
  const silent = passed.silentAtMs <= state.nowMs;
  if (!silent && isUp(state, passed.to)) return [state, []];
  const given = silent ? giveUp(state, passed.to) : ([state, []] as const);
  return andThen(given, (after) =>
    mint(changed(after, { loads: passed.token.loads }), passed.token.wantedBy, `${passed.to} did not answer`),
  );
}

/** Someone wants the token that is here. */
export function wanted(state: State, id: string): State {
  const held = state.held!;
  const { wantedBy } = held.token;
  if (id === state.self || wantedBy.includes(id) || wantedBy.length >= RING_LIMITS.membersMax) return state;
  return changed(state, { held: { ...held, token: { ...held.token, wantedBy: [...wantedBy, id] } } });
}
