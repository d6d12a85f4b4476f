/**
 * Who is in the ring: merging what others say of a member, refuting what they say of this one, and the order.
 * The states and their precedence are SWIM's; news is flooded over the links, since a ring is small.
 * docs/protocol.md, "Members".
 */
import { create } from '@bufbuild/protobuf';
import { MemberSchema, MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import type { Member } from '../../../gen/glimpse/v1/election_pb.js';
import { andThen, changed, RING_LIMITS } from './state.js';
import type { Effect, Outcome, State } from './state.js';

const incarnationMax = 0xffff_fffe;

export function memberOf(state: State, id: string): Member | undefined {
  return state.members.find((member) => member.id === id);
}

/** The members that the token may visit and that may be elected, in ring order. */
export function ringOf(state: State): readonly Member[] {
  return state.members.filter((member) => member.state === MemberState.ALIVE);
}

export function isUp(state: State, id: string): boolean {
  return state.links.some((link) => link.id === id && link.phase === 'up');
}

/** The next member that is alive and linked; undefined if there is none. */
export function successorOf(state: State): string | undefined {
  const next = ringOf(state).filter(({ id }) => id !== state.self && isUp(state, id));
  return (next.find(({ id }) => id > state.self) ?? next[0])?.id;
}

/** Whether `id` lies behind `from` and before `to` on the way round. */
export function liesBetween(id: string, from: string, to: string): boolean {
  return from < to ? from < id && id < to : id > from || id < to;
}

/** Whether `told` replaces `known`: a higher incarnation does, and of the same one the worse state. */
function replaces(told: Member, known: Member): boolean {
  return (
    told.incarnation > known.incarnation ||
    (told.incarnation === known.incarnation && told.state > known.state)
  );
}

function flood(state: State, member: Member, except?: string): readonly Effect[] {
  return state.links
    .filter(({ id, phase }) => phase === 'up' && id !== except)
    .map(({ id: to }) => ({ type: 'send', to, message: { case: 'member', value: member } }));
}

function put(state: State, member: Member): State {
  const others = state.members.filter(({ id }) => id !== member.id);
  const members = [...others, member].sort((a, b) => (a.id < b.id ? -1 : 1));
  const suspectSinceMs = new Map(state.suspectSinceMs);
  if (member.state === MemberState.SUSPECT) suspectSinceMs.set(member.id, state.nowMs);
  else suspectSinceMs.delete(member.id);
  const after = changed(state, { members, suspectSinceMs });
  const lost = member.state !== MemberState.ALIVE && memberOf(state, member.id)?.state === MemberState.ALIVE;
  return lost ? inTrouble(after) : after;
}

/** What was sent through a lost member is lost: a search begins anew, and is repeated soon. */
function inTrouble(state: State): State {
  return changed(state, { search: undefined, troubleUntilMs: state.nowMs + RING_LIMITS.troubleMs });
}

/** This member answers for itself with an incarnation above `incarnation`. */
function refute(state: State, incarnation: number): Outcome {
  const own = memberOf(state, state.self)!;
  const member = create(MemberSchema, { ...own, incarnation: incarnation + 1 });
  return [put(state, member), flood(state, member)];
}

function mergeSelf(state: State, told: Member): Outcome {
  const own = memberOf(state, state.self)!;
  const wrong = told.state !== own.state && told.incarnation >= own.incarnation;
  const ahead = told.incarnation > own.incarnation;
  if (state.leaving || told.incarnation > incarnationMax || !(wrong || ahead)) return [state, []];
  return refute(state, told.incarnation);
}

/** Who tells old news is told the newer: it may have missed them. */
function correct(state: State, told: Member, from: string | undefined): readonly Effect[] {
  const known = memberOf(state, told.id);
  if (from === undefined || !known || !replaces(known, told) || !isUp(state, from)) return [];
  return [{ type: 'send', to: from, message: { case: 'member', value: known } }];
}

function mergeOne(state: State, told: Member, from: string | undefined): Outcome {
  if (told.id === state.self) {
    return andThen([state, correct(state, told, from)], (after) => mergeSelf(after, told));
  }
  const known = memberOf(state, told.id);
  if (known && !replaces(told, known)) return [state, correct(state, told, from)];
  if (!known && state.members.length >= RING_LIMITS.membersMax) return [state, []];
  return [put(state, told), flood(state, told, from)];
}

/** Takes what was said of members, by `from` or by the address book, and passes news on. */
export function merge(state: State, told: readonly Member[], from?: string): Outcome {
  return told.reduce<Outcome>(
    (outcome, member) => andThen(outcome, (after) => mergeOne(after, member, from)),
    [state, []],
  );
}

/** Marks a member as it looks from here, and tells the others. */
export function mark(state: State, id: string, as: MemberState): Outcome {
  const member = create(MemberSchema, { ...memberOf(state, id)!, state: as });
  return [put(state, member), flood(state, member)];
}

/** A member that did not answer: bypassed until it refutes. Who leaves gets no answers, and accuses nobody. */
export function suspect(state: State, id: string): Outcome {
  return !state.leaving && memberOf(state, id)?.state === MemberState.ALIVE
    ? mark(state, id, MemberState.SUSPECT)
    : [state, []];
}

/** Suspects whose time to refute is over are dead. */
export function bury(state: State): Outcome {
  if (state.suspectSinceMs.size === 0) return [state, []];
  const due = [...state.suspectSinceMs].filter(
    ([, sinceMs]) => sinceMs + RING_LIMITS.suspicionMs <= state.nowMs,
  );
  return due.reduce<Outcome>(
    (outcome, [id]) => andThen(outcome, (after) => mark(after, id, MemberState.DEAD)),
    [state, []],
  );
}
