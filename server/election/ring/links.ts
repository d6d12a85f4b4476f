/**
 * The links to the other members: dialling, measuring with pings, losing, and readmission with backoff.
 * The stream itself is the driver's. docs/protocol.md, "Links".
 */
import { MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import type { Member, Ping, Pong } from '../../../gen/glimpse/v1/election_pb.js';
import { packIds, unpackIds } from './credits.js';
import { begunHere, ownLoad, unsettled } from './load.js';
import { memberOf, merge, suspect } from './members.js';
import { promise } from './promise.js';
import { andThen, changed, copyOf, draw, RING_LIMITS, withoutRow, withRow } from './state.js';
import type { Effect, Event, Link, Outcome, State } from './state.js';

export function linkTo(state: State, id: string): Link | undefined {
  return state.links.find((link) => link.id === id);
}

function setLink(state: State, link: Link): State {
  const after = copyOf(state);
  after.links = withRow(state.links, link);
  return after;
}

function dial(state: State, member: Member, failures: number): Outcome {
  const { id, address, incarnation } = member;
  return [
    setLink(state, { id, phase: 'dialling', failures, incarnation }),
    [{ type: 'dial', to: id, address }],
  ];
}

/** Every member that has not left has a link; one that left has none. */
export function keepLinks(state: State): Outcome {
  if (state.linked === state.members) return [state, []];
  return linkAll(changed(state, { linked: state.members }));
}

function linkAll(state: State): Outcome {
  const wanted = state.members.filter(
    (member) => member.id !== state.self && member.state !== MemberState.LEFT && !state.leaving,
  );
  const missing = wanted.filter(({ id }) => !linkTo(state, id));
  const dialled = missing.reduce<Outcome>(
    (outcome, member) => andThen(outcome, (after) => dial(after, member, 0)),
    [state, []],
  );
  return andThen(dialled, (after) => {
    const gone = after.links.filter(({ id }) => memberOf(after, id)?.state === MemberState.LEFT);
    return gone.reduce<Outcome>((outcome, { id }) => andThen(outcome, (next) => drop(next, id)), [after, []]);
  });
}

function drop(state: State, id: string): Outcome {
  const dropped = changed(state, {
    links: withoutRow(state.links, id),
    reports: withoutRow(state.reports, id),
  });
  return [dropped, [{ type: 'hangUp', to: id }]];
}

function backoffMs(state: State, failures: number): readonly [number, State] {
  const [drawn, random] = draw(state.random);
  const ceilingMs = Math.min(RING_LIMITS.redialMsMax, RING_LIMITS.redialMsMin * 2 ** failures);
  return [Math.ceil(ceilingMs * (0.5 + drawn / 2)), changed(state, { random })];
}

/** The link to `id` no longer works: it is suspected, what it held here is sought elsewhere, and it is redialled. */
export function lose(state: State, id: string): Outcome {
  const link = linkTo(state, id);
  if (!link || link.phase === 'waiting') return [state, []];
  const stable = link.phase === 'up' && state.nowMs - link.sinceMs >= RING_LIMITS.stableMs;
  const failures = stable ? 0 : link.failures + 1;
  const [waitMs, drawn] = backoffMs(state, failures);
  const lost: State = changed(
    setLink(drawn, { id, phase: 'waiting', failures, redialAtMs: state.nowMs + waitMs }),
    {
      reports: withoutRow(state.reports, id),
      waiting: state.waiting.map((waiting) =>
        waiting.tried.at(-1) === id ? { ...waiting, entrustAtMs: state.nowMs } : waiting,
      ),
    },
  );
  const refuted = link.phase === 'dialling' && memberOf(state, id)!.incarnation > link.incarnation;
  return refuted ? [lost, []] : suspect(lost, id);
}

/** As `lose`, when it is this side that gives up. */
export function giveUp(state: State, id: string): Outcome {
  const [lost, effects] = lose(state, id);
  return lost === state ? [state, []] : [lost, [{ type: 'hangUp', to: id }, ...effects]];
}

export function opened(state: State, event: Extract<Event, { type: 'up' }>): Outcome {
  const { id } = event;
  const link = linkTo(state, id);
  const after = promise(state, event.epoch);
  if (link?.phase !== 'dialling') return [after, [{ type: 'hangUp', to: id }]];
  const up = setLink(after, {
    id,
    phase: 'up',
    failures: link.failures,
    sinceMs: state.nowMs,
    sequence: 0,
    pingAtMs: state.nowMs,
    pingedAtMs: undefined,
    slowestMs: 0,
  });
  return merge(up, event.members, id);
}

/** A member that announces itself is there: no need to wait for its turn to be dialled. */
export function announced(state: State, event: Extract<Event, { type: 'announced' }>): Outcome {
  const merged = merge(promise(state, event.epoch), [event.member], event.member.id);
  return andThen(merged, (after) => {
    const link = linkTo(after, event.member.id);
    return link?.phase === 'waiting' && event.member.state === MemberState.ALIVE
      ? dial(after, event.member, link.failures)
      : [after, []];
  });
}

/**
 * A member that counts as having left and pings does not know it: the news of its return were lost. Without an answer
 * it dials again, and so announces itself.
 */
export function pinged(state: State, from: string, ping: Ping): Outcome {
  const after = promise(state, ping.epoch!);
  if (memberOf(after, from)?.state === MemberState.LEFT) return [after, []];
  const pong: Pong = {
    $typeName: 'glimpse.v1.Pong',
    sequence: ping.sequence,
    epoch: after.promised,
    load: ownLoad(after),
    begun: packIds(begunHere(after)),
  };
  return [after, [{ type: 'send', to: from, message: { case: 'pong', value: pong } }]];
}

export function ponged(state: State, from: string, pong: Pong): Outcome {
  const link = linkTo(state, from);
  if (link?.phase !== 'up' || pong.sequence !== link.sequence || pong.load?.id !== from) return [state, []];
  const tookMs = state.nowMs - (link.pingedAtMs ?? state.nowMs);
  const answered = copyOf(state);
  const { id, phase, failures, sinceMs, sequence } = link;
  answered.links = withRow(state.links, {
    id,
    phase,
    failures,
    sinceMs,
    sequence,
    pingAtMs: Math.max(link.pingAtMs, state.nowMs),
    pingedAtMs: undefined,
    slowestMs: Math.max(tookMs, link.slowestMs * RING_LIMITS.slowDecay),
  });
  const known = state.reports.find(({ id }) => id === from);
  const same = known !== undefined && sameBytes(known.packed, pong.begun);
  const begun = same ? known.begun : unpackIds(pong.begun);
  answered.reports = withRow(state.reports, { id: from, load: pong.load, begun, packed: pong.begun });
  answered.given = unsettled(state.given, from, begun);
  return [promise(answered, pong.epoch!), []];
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0);
}

function ping(state: State, link: Extract<Link, { phase: 'up' }>): Outcome {
  const { id, phase, failures, sinceMs, slowestMs } = link;
  const sequence = link.sequence + 1;
  const value: Ping = { $typeName: 'glimpse.v1.Ping', sequence, epoch: state.promised };
  const effect: Effect = { type: 'send', to: link.id, message: { case: 'ping', value } };
  const { nowMs } = state;
  return [
    setLink(state, {
      id,
      phase,
      failures,
      sinceMs,
      sequence,
      pingAtMs: nowMs + RING_LIMITS.pingMs,
      pingedAtMs: nowMs,
      slowestMs,
    }),
    [effect],
  ];
}

/** How long this neighbour may take to answer. */
export function patienceMs(link: Link | undefined): number {
  const { silentMs, silentMsMax, slowFactor } = RING_LIMITS;
  const slowestMs = link?.phase === 'up' ? link.slowestMs : 0;
  return Math.ceil(Math.min(silentMsMax, Math.max(silentMs, slowFactor * slowestMs)));
}

/** When a link next needs something done. */
export function linkWakesAtMs(link: Link): number {
  if (link.phase === 'waiting') return link.redialAtMs;
  if (link.phase === 'dialling') return Infinity;
  return link.pingedAtMs === undefined ? link.pingAtMs : link.pingedAtMs + patienceMs(link);
}

/** Does what is due on the links: pings, silences, redials. */
export function tendLinks(state: State): Outcome {
  const due = state.links.filter((link) => linkWakesAtMs(link) <= state.nowMs);
  return due.reduce<Outcome>((outcome, { id }) => andThen(outcome, (after) => tend(after, id)), [state, []]);
}

function tend(state: State, id: string): Outcome {
  const link = linkTo(state, id)!;
  if (link.phase === 'up') return link.pingedAtMs === undefined ? ping(state, link) : giveUp(state, id);
  return link.phase === 'waiting' ? dial(state, memberOf(state, id)!, link.failures) : [state, []];
}

/** After a sleep of its own, a member gives its neighbours that much longer. */
export function forgive(state: State, sleptMs: number): State {
  const later = (atMs: number | undefined) => (atMs === undefined ? undefined : atMs + sleptMs);
  const links = state.links.map((link) =>
    link.phase === 'up'
      ? { ...link, pingAtMs: link.pingAtMs + sleptMs, pingedAtMs: later(link.pingedAtMs) }
      : link,
  );
  const { passed } = state;
  return changed(state, { links, passed: passed && { ...passed, silentAtMs: passed.silentAtMs + sleptMs } });
}
