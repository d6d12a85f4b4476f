/**
 * The ring's protocol as one pure function: what happened to a member, and what it does about it. It implements
 * docs/protocol.md, "The ring"; it leaves out signing tickets, sockets, the address book and measuring, which are
 * the driver's. The same function runs in the driver and in the simulator.
 */
import { create } from '@bufbuild/protobuf';
import { MemberSchema, MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import type { Epoch, Member } from '../../../gen/glimpse/v1/election_pb.js';
import { noEpoch } from './epoch.js';
import {
  announced,
  forgive,
  keepLinks,
  linkWakesAtMs,
  lose,
  opened,
  pinged,
  ponged,
  tendLinks,
} from './links.js';
import { leastLoaded } from './load.js';
import { bury, mark, memberOf, merge, successorOf } from './members.js';
import {
  asked,
  began,
  cancelled,
  ended,
  entrustedBack,
  entrustedTo,
  grantWaiting,
  refuseAll,
  storeChanged,
  tendWaiting,
  waitingWakesAtMs,
} from './requests.js';
import { claimArrived, seekToken, wantArrived } from './search.js';
import { andThen, changed, copyOf, RING_LIMITS } from './state.js';
import type { Choose, Event, Message, Outcome, Reading, State } from './state.js';
import { bypass, pass, received, revisit, taken } from './token.js';

export interface Beginning {
  readonly id: string;
  readonly address: string;
  /** Above that of the member's former life. */
  readonly incarnation: number;
  readonly atMs: number;
  readonly reading: Reading;
  readonly seed: number;
  /** The least loaded, if not given. */
  readonly choose?: Choose | undefined;
}

/** A member that knows nobody yet. */
export function begin(beginning: Beginning): State {
  const { id, address, incarnation, atMs, reading, seed, choose = leastLoaded } = beginning;
  return {
    self: id,
    choose,
    life: incarnation,
    nowMs: atMs,
    members: [create(MemberSchema, { id, address, incarnation, state: MemberState.ALIVE })],
    suspectSinceMs: new Map(),
    links: [],
    linked: [],
    promised: noEpoch,
    promisedHop: -1,
    held: undefined,
    passed: undefined,
    search: undefined,
    troubleUntilMs: 0,
    waiting: [],
    given: [],
    restored: noEpoch,
    begun: new Map(),
    inFlight: 0,
    granted: 0,
    reading,
    reports: [],
    loads: [],
    lastLeader: '',
    draining: false,
    leaving: false,
    departed: false,
    storeReachable: true,
    random: seed,
  };
}

/** When the member is next to be woken with a tick; Infinity: not before something else happens. */
export function wakesAtMs(state: State): number {
  let atMs = state.passed?.silentAtMs ?? Infinity;
  if (state.search && !state.held) atMs = Math.min(atMs, state.search.retryAtMs);
  for (const link of state.links) atMs = Math.min(atMs, linkWakesAtMs(link));
  for (const waiting of state.waiting) atMs = Math.min(atMs, waitingWakesAtMs(waiting));
  for (const sinceMs of state.suspectSinceMs.values()) {
    atMs = Math.min(atMs, sinceMs + RING_LIMITS.suspicionMs);
  }
  return atMs;
}

/** What the member answers to Announce, and says of itself when it dials. */
export function viewOf(state: State): { readonly members: readonly Member[]; readonly epoch: Epoch } {
  return { members: state.members, epoch: state.promised };
}

/** What is looked after whatever has happened, in this order. */
const afterwards = [keepLinks, tendLinks, tendWaiting, bury, bypass, seekToken, serve, depart];

/** One event. Effects are to be performed in order. Broken invariants throw. */
export function step(state: State, event: Event): Outcome {
  const happened = happen(awake(state, event.atMs), event);
  return afterwards.reduce(andThen, happened);
}

/** Moves the clock. A member that overslept was stopped itself: its neighbours were not silent. */
function awake(state: State, atMs: number): State {
  const awoken = copyOf(state);
  awoken.nowMs = Math.max(state.nowMs, atMs);
  // What was due was done in the last step, so nothing can be late by more than the time since then.
  if (awoken.nowMs - state.nowMs <= RING_LIMITS.oversleptMs) return awoken;
  const sleptMs = awoken.nowMs - wakesAtMs(state);
  return sleptMs > RING_LIMITS.oversleptMs ? forgive(awoken, sleptMs) : awoken;
}

function happen(state: State, event: Event): Outcome {
  switch (event.type) {
    case 'tick':
      return [state, []];
    case 'sample':
      return [changed(state, { reading: event.reading }), []];
    case 'elect':
      return asked(state, event);
    case 'cancel':
      return [cancelled(state, event.key), []];
    case 'message':
      return memberOf(state, event.from) ? heard(state, event.from, event.message) : [state, []];
    case 'up':
      return opened(state, event);
    case 'down':
      return lose(state, event.id);
    case 'announced':
      return announced(state, event);
    case 'learned':
      return merge(state, event.members);
    case 'began':
      return [began(state, event.ticket), []];
    case 'ended':
      return [ended(state), []];
    case 'drain':
      return [changed(state, { draining: true }), []];
    case 'store':
      return [storeChanged(state, event.reachable), []];
    case 'leave':
      return leave(state);
  }
}

function heard(state: State, from: string, message: Message): Outcome {
  switch (message.case) {
    case 'token':
      return received(state, from, message.value);
    case 'taken':
      return [taken(state, from, message.value), []];
    case 'want':
      return wantArrived(state, message.value);
    case 'claim':
      return claimArrived(state, message.value);
    case 'member':
      return merge(state, [message.value], from);
    case 'entrust':
      return entrustedTo(state, from, message.value);
    case 'entrusted':
      return entrustedBack(state, from, message.value);
    case 'ping':
      return pinged(state, from, message.value);
    case 'pong':
      return ponged(state, from, message.value);
  }
}

/** With the token here: elect, then send it on to whoever wants it. */
function serve(state: State): Outcome {
  if (!state.held) return [state, []];
  const grants = state.storeReachable && state.waiting.length > 0;
  const granted: Outcome = grants ? grantWaiting(revisit(state)) : [state, []];
  return andThen(granted, (after) =>
    after.held!.token.wantedBy.length > 0 || after.leaving ? pass(after) : [after, []],
  );
}

/** Refuses what waits, says goodbye, and takes no part any more but to send the token on. */
function leave(state: State): Outcome {
  if (state.leaving) return [state, []];
  const refused = refuseAll(changed(state, { draining: true, leaving: true }));
  return andThen(refused, (after) => mark(after, after.self, MemberState.LEFT));
}

function depart(state: State): Outcome {
  if (!state.leaving || state.departed || state.passed) return [state, []];
  if (state.held && successorOf(state) !== undefined) return [state, []];
  return [changed(state, { departed: true }), [{ type: 'left' }]];
}
