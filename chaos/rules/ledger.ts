/**
 * What the ledger may have done with one grant, as events for the search in linear.ts. A model of its own, not the
 * product's rules: a quota, a count, and whether the owner took it back. docs/protocol.md, "Unlocking", "Rights".
 */
import type { Begun, Change, GivenState, Operation } from './history.js';
import { describe } from './history.js';
import type { Event } from './linear.js';
import { unexplained } from './linear.js';

export interface GrantState {
  readonly quota: number;
  readonly used: number;
  readonly revoked: boolean;
}

/** For so long the ledger, and the client, take a view that is asked for again for the same one, ms. */
const sameViewMs = 66_000;

type GrantEvent = Event<GrantState>;

/**
 * Undefined: the answers about this grant are those of one ledger. Otherwise what is not.
 * @param last the owner's last look, when nothing waited any more
 */
export function unexplainedGrant(
  begun: Begun,
  operations: readonly Operation[],
  last: GivenState | undefined,
): readonly string[] | undefined {
  const events = eventsOf(begun.grant, operations);
  if (last) events.push(...looks(last, { name: 'the last look', beganMs: Infinity, endedMs: Infinity }));
  const initial = { quota: begun.quota, used: 0, revoked: false };
  return unexplained(events, initial, ({ quota, used, revoked }) => `${quota} ${used} ${revoked}`);
}

function eventsOf(grant: string, operations: readonly Operation[]): GrantEvent[] {
  const events: GrantEvent[] = [];
  const changes: { readonly place: number; readonly operation: Operation }[] = [];
  const held: { readonly version: number; readonly endedMs: number }[] = [];
  /** Attempts of which nobody knows whether they spent: a later one may be the same view. */
  let open: { readonly place: number; readonly beganMs: number }[] = [];
  for (const operation of operations) {
    const { action, outcome, beganMs } = operation;
    if (action.type === 'view' && action.grant === grant) {
      const same = open.filter((other) => beganMs - other.beganMs < sameViewMs).map(({ place }) => place);
      if (outcome.type === 'maybe') open.push({ place: events.length, beganMs });
      else open = [];
      events.push(...viewed(operation, events.length, same, mayBeRevoked(operation, changes, held)));
    } else if (action.type === 'change' && action.grant === grant) {
      changes.push({ place: events.length, operation });
      events.push(changed(operation, action.change));
    } else if (outcome.type === 'ok' && outcome.answer.type === 'held') {
      const version = outcome.answer.grants.find((each) => each.grant === grant)?.version ?? 0;
      held.push({ version, endedMs: operation.endedMs });
    } else if (action.type === 'shared' && outcome.type === 'ok' && outcome.answer.type === 'given') {
      const state = outcome.answer.grants.find((each) => each.grant === grant);
      if (state) events.push(...looks(state, { ...operation, name: describe(operation) }));
      held.push({ version: state?.taken ?? 0, endedMs: operation.endedMs });
    }
  }
  return inTurn(
    events,
    changes.map(({ place }) => place),
  );
}

function viewed(
  operation: Operation,
  place: number,
  same: readonly number[],
  mayBeRevokedYet: boolean,
): readonly GrantEvent[] {
  const { outcome, beganMs, endedMs } = operation;
  const name = describe(operation);
  if (outcome.type === 'refused') {
    const isSo = ({ quota, used, revoked }: GrantState): boolean =>
      outcome.reason === 'REVOKED' ? revoked || mayBeRevokedYet : used >= quota;
    if (outcome.reason === 'UNKNOWN_GRANT') return [];
    return [{ name, beganMs, endedMs, isCertain: true, next: (state) => (isSo(state) ? [state] : []) }];
  }
  const spending: Pick<GrantEvent, 'name' | 'beganMs' | 'next'> = {
    name,
    beganMs,
    next: (state, took) => {
      const isAllowed = !state.revoked && state.used < state.quota;
      const spent = isAllowed ? [{ ...state, used: state.used + 1 }] : [];
      return same.some(took) ? [state, ...spent] : spent;
    },
  };
  if (outcome.type === 'maybe') return [{ ...spending, endedMs: Infinity, isCertain: false }];
  if (outcome.answer.type !== 'viewed') return [];
  const { remaining } = outcome.answer;
  // The key may have been released, at another server, after the count: what was left then is told.
  const told: GrantEvent = {
    name: `${name} (what it tells is left)`,
    ...{ beganMs, endedMs, isCertain: true, after: place },
    next: (state) => (Math.max(0, state.quota - state.used) === remaining ? [state] : []),
  };
  return [{ ...spending, endedMs, isCertain: true }, told];
}

/**
 * Without the cloud a viewer obeys what it holds: a revocation that it has from its owner before the ledger does, and
 * one that was taken back since, of which it has not heard. So any will do, unless the viewer had shown, or
 * acknowledged, a later version before.
 */
function mayBeRevoked(
  view: Operation,
  changes: readonly { readonly operation: Operation }[],
  held: readonly { readonly version: number; readonly endedMs: number }[],
): boolean {
  const shown = held.filter(({ endedMs }) => endedMs < view.beganMs).map(({ version }) => version);
  return changes.some(({ operation: { action, outcome } }) => {
    if (action.type !== 'change' || action.change.revoke !== true) return false;
    const isOpen = outcome.type !== 'ok' || outcome.answer.type !== 'changed' || outcome.answer.pending;
    return isOpen || outcome.answer.version >= Math.max(0, ...shown);
  });
}

function changed(operation: Operation, change: Change): GrantEvent {
  const { outcome, beganMs, endedMs } = operation;
  const answer = outcome.type === 'ok' && outcome.answer.type === 'changed' ? outcome.answer : undefined;
  const isSettled = answer !== undefined && !answer.pending;
  return {
    name: describe(operation),
    beganMs,
    endedMs: isSettled ? endedMs : Infinity,
    isCertain: answer !== undefined,
    next: (state) => {
      const after = afterChange(state, change);
      const isTold = !isSettled || (after.quota === answer.quota && after.revoked === answer.revoked);
      return isTold ? [after] : [];
    },
  };
}

export function afterChange(state: GrantState, { views, add = 0, revoke }: Change): GrantState {
  if (revoke) return { ...state, revoked: true };
  const allowsViews = (views ?? 0) > 0 || add > 0;
  return { ...state, quota: (views ?? state.quota) + add, revoked: state.revoked && !allowsViews };
}

/** An owner's changes of one grant take effect in the order in which she made them, or not at all. */
function inTurn(events: GrantEvent[], changes: readonly number[]): GrantEvent[] {
  for (const [index, place] of changes.entries())
    events[place] = { ...events[place]!, notAfter: changes.slice(index + 1) };
  return events;
}

function looks(
  { used, quota, revoked, pending }: GivenState,
  { name, beganMs, endedMs }: Pick<GrantEvent, 'name' | 'beganMs' | 'endedMs'>,
): readonly GrantEvent[] {
  const at = { name, beganMs, endedMs, isCertain: true };
  const count: GrantEvent = { ...at, next: (state) => (state.used === used ? [state] : []) };
  const rights: GrantEvent = {
    ...at,
    next: (state) => (state.quota === quota && state.revoked === revoked ? [state] : []),
  };
  return [...(used === null ? [] : [count]), ...(pending ? [] : [rights])];
}
