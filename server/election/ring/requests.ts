/**
 * The requests that wait here: granting them while the token is here, handing them to another member when it does
 * not come, and refusing those that waited too long. docs/protocol.md, "Elections".
 */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { EntrustedSchema, EntrustSchema, TicketSchema } from '../../../gen/glimpse/v1/election_pb.js';
import type { Entrust, Entrusted, Ticket, Token } from '../../../gen/glimpse/v1/election_pb.js';
import { compareEpochs, epochName } from './epoch.js';
import { allDraining, charged, unsettled } from './load.js';
import { isUp, ringOf } from './members.js';
import { andThen, changed, hex, requestKey, RING_LIMITS } from './state.js';
import type { Effect, Event, Given, Outcome, State, Waiting } from './state.js';

type Why = Extract<Effect, { type: 'refuse' }>['why'];

/** Names the grant for ever: epoch, hop and index. */
export function termOf(ticket: Ticket): string {
  return `${ticket.epoch ? epochName(ticket.epoch) : ''}/${ticket.hop}/${ticket.index}`;
}

/** Whether a ticket for this member may be used now: in time, of a token not replaced, and not used before. */
export function admits(state: State, ticket: Ticket, atMs: number): boolean {
  return (
    ticket.epoch !== undefined &&
    ticket.deadline !== undefined &&
    timestampMs(ticket.deadline) >= atMs &&
    compareEpochs(ticket.epoch, state.promised) >= 0 &&
    !state.begun.has(termOf(ticket))
  );
}

export function began(state: State, ticket: Ticket): State {
  const deadlineMs = ticket.deadline ? timestampMs(ticket.deadline) : state.nowMs;
  const live = [...state.begun].filter(([, { deadlineMs: untilMs }]) => untilMs > state.nowMs);
  const begun = new Map(live).set(termOf(ticket), { requestId: hex(ticket.requestId), deadlineMs });
  const given = unsettled(state.given, state.self, new Set([hex(ticket.requestId)]));
  return changed(state, { begun, given, inFlight: state.inFlight + 1, granted: state.granted + 1 });
}

export function ended(state: State): State {
  return changed(state, { inFlight: Math.max(0, state.inFlight - 1) });
}

type Asked = Pick<Entrust, 'requestId' | 'ownerFingerprint' | 'sealedBytes'>;

function wait(state: State, asked: Asked, from: string | undefined): Outcome {
  const key = requestKey(asked.requestId, asked.ownerFingerprint);
  const { requestId, ownerFingerprint, sealedBytes } = asked;
  const sinceMs = state.nowMs;
  const entrustAtMs =
    from === undefined ? sinceMs + (state.storeReachable ? RING_LIMITS.entrustMs : 0) : Infinity;
  const waiting = { key, requestId, ownerFingerprint, sealedBytes, from, sinceMs, entrustAtMs, tried: [] };
  const full = state.waiting.length >= RING_LIMITS.waitingMax;
  if (full || state.leaving) return [state, [refusal(waiting, full ? 'no leader' : 'draining')]];
  if (from !== undefined && !state.storeReachable) return [state, [refusal(waiting, 'no leader')]];
  const known = state.waiting.some((other) => other.key === key && other.from === from);
  return [known ? state : changed(state, { waiting: [...state.waiting, waiting] }), []];
}

export function asked(state: State, event: Extract<Event, { type: 'elect' }>): Outcome {
  return wait(state, event, undefined);
}

export function entrustedTo(state: State, from: string, entrust: Entrust): Outcome {
  return wait(state, entrust, from);
}

export function cancelled(state: State, key: string): State {
  return changed(state, {
    waiting: state.waiting.filter((waiting) => waiting.key !== key || waiting.from !== undefined),
  });
}

/** What another member made of a request that was handed to it. */
export function entrustedBack(state: State, from: string, entrusted: Entrusted): Outcome {
  const id = hex(entrusted.requestId);
  const mine = state.waiting.find(
    (waiting) => waiting.from === undefined && hex(waiting.requestId) === id && waiting.tried.at(-1) === from,
  );
  if (!mine) return [state, []];
  const { ticket } = entrusted;
  if (ticket && hex(ticket.ownerFingerprint) === hex(mine.ownerFingerprint)) {
    return [without(state, mine), [{ type: 'grant', key: mine.key, ticket }]];
  }
  return [change(state, { ...mine, entrustAtMs: state.nowMs }), []];
}

function without(state: State, waiting: Waiting): State {
  return changed(state, { waiting: state.waiting.filter((other) => other !== waiting) });
}

function change(state: State, newer: Waiting): State {
  const waiting = state.waiting.map((other) =>
    other.key === newer.key && other.from === newer.from ? newer : other,
  );
  return changed(state, { waiting });
}

function refusal(waiting: Waiting, why: Why): Effect {
  if (waiting.from === undefined) return { type: 'refuse', key: waiting.key, why };
  const value = create(EntrustedSchema, { requestId: waiting.requestId });
  return { type: 'send', to: waiting.from, message: { case: 'entrusted', value } };
}

function answer(waiting: Waiting, ticket: Ticket): Effect {
  if (waiting.from === undefined) return { type: 'grant', key: waiting.key, ticket };
  const value = create(EntrustedSchema, { requestId: waiting.requestId, ticket });
  return { type: 'send', to: waiting.from, message: { case: 'entrusted', value } };
}

function grantOne(state: State, waiting: Waiting): Outcome {
  const { token, index } = state.held!;
  const leader = state.choose(state, token.loads, token.lastLeader);
  const rest = without(state, waiting);
  if (leader === undefined) {
    return [rest, [refusal(waiting, allDraining(state, token.loads) ? 'draining' : 'no leader')]];
  }
  const { requestId, ownerFingerprint, sealedBytes } = waiting;
  const given: Given = { leader, requestId, deadlineMs: state.nowMs + RING_LIMITS.creditMs };
  const ticket = create(TicketSchema, {
    requestId,
    ownerFingerprint,
    leader,
    sealedBytes,
    deadline: timestampFromMs(given.deadlineMs),
    epoch: token.epoch!,
    hop: token.hop,
    index,
    grantedBy: state.self,
  });
  const loads = [...charged(token.loads, given)];
  const after: Token = { ...token, loads, lastLeader: leader };
  return [
    {
      ...rest,
      held: { token: after, index: index + 1 },
      given: [...state.given.slice(-RING_LIMITS.givenMax), given],
      loads,
      lastLeader: leader,
    },
    [answer(waiting, ticket)],
  ];
}

/** Elects for every request that waits here. Only the holder of the token calls this. */
export function grantWaiting(state: State): Outcome {
  return state.waiting.reduce<Outcome>(
    (outcome, waiting) => andThen(outcome, (after) => grantOne(after, waiting)),
    [state, []],
  );
}

/** The next member to hand a request to: in ring order, each once. */
function nextToTry(state: State, waiting: Waiting): string | undefined {
  const others = ringOf(state).map(({ id }) => id);
  const order = [...others.filter((id) => id > state.self), ...others.filter((id) => id < state.self)];
  return order.find((id) => isUp(state, id) && !waiting.tried.includes(id));
}

function entrustOne(state: State, waiting: Waiting): Outcome {
  const to = nextToTry(state, waiting);
  if (to === undefined) {
    const hopeless = !state.storeReachable;
    return hopeless
      ? [without(state, waiting), [refusal(waiting, 'no leader')]]
      : [change(state, { ...waiting, entrustAtMs: Infinity }), []];
  }
  const value = create(EntrustSchema, waiting);
  const entrustAtMs = state.nowMs + RING_LIMITS.entrustMs;
  return [
    change(state, { ...waiting, entrustAtMs, tried: [...waiting.tried, to] }),
    [{ type: 'send', to, message: { case: 'entrust', value } }],
  ];
}

/** Hands over and refuses what has waited too long. */
export function tendWaiting(state: State): Outcome {
  if (state.waiting.length === 0) return [state, []];
  const expired = state.waiting.filter(({ sinceMs }) => sinceMs + RING_LIMITS.waitMs <= state.nowMs);
  const kept = expired.length === 0 ? state : expired.reduce(without, state);
  const due = kept.waiting.filter(({ entrustAtMs }) => entrustAtMs <= state.nowMs);
  return due.reduce<Outcome>(
    (outcome, waiting) => andThen(outcome, (after) => entrustOne(after, waiting)),
    [kept, expired.map((waiting) => refusal(waiting, 'no leader'))],
  );
}

/** When a waiting request next needs something done. */
export function waitingWakesAtMs(waiting: Waiting): number {
  return Math.min(waiting.entrustAtMs, waiting.sinceMs + RING_LIMITS.waitMs);
}

/** A server that cannot reach the store grants no more: others do it for what waits here. */
export function storeChanged(state: State, reachable: boolean): State {
  if (reachable) return changed(state, { storeReachable: true });
  const waiting = state.waiting.map((one) =>
    one.from === undefined ? { ...one, entrustAtMs: Math.min(one.entrustAtMs, state.nowMs) } : one,
  );
  return changed(state, { storeReachable: false, waiting });
}

/** A server that leaves refuses what still waits: the clients ask another. */
export function refuseAll(state: State): Outcome {
  return [changed(state, { waiting: [] }), state.waiting.map((waiting) => refusal(waiting, 'draining'))];
}
