import test from 'ava';
import type { Action, Answer, Operation, Outcome } from '../../../chaos/rules/history.js';
import { unexplainedGrant } from '../../../chaos/rules/ledger.js';

const grant = 'g1';
const begun = { grant, owner: 'alice', viewer: 'bob', photo: 'cat.jpg', quota: 3 };
const state = { used: 0, quota: 3, taken: 3, pending: false, delivered: true };

/** One after the other, ten milliseconds each. */
function history(...all: readonly Said[]): Operation[] {
  return all.map(([action, outcome], place) => {
    return { number: place, client: 'x', action, beganMs: 20 * place, endedMs: 20 * place + 10, outcome };
  });
}

type Said = readonly [Action, Outcome];

const ok = (answer: Answer): Outcome => ({ type: 'ok', answer });

function changed(version: number, revoked: boolean): Said {
  const change = revoked ? { revoke: true as const } : { views: 3 };
  const action: Action = { type: 'change', viewer: 'bob', grant, change };
  return [action, ok({ type: 'changed', quota: 3, revoked, version, pending: false })];
}

const holds = (version: number): Said => [
  { type: 'inbox' },
  ok({ type: 'held', grants: [{ grant, version, isThere: true }] }),
];
const took = (version: number): Said => [
  { type: 'shared' },
  ok({ type: 'given', grants: [{ ...last, taken: version }] }),
];
const isRevoked: Said = [
  { type: 'view', grant },
  { type: 'refused', reason: 'REVOKED' },
];
const last = { ...state, grant, revoked: false, version: 3 };

test('a viewer who has not heard that a revocation was taken back may obey it without the cloud', (t) => {
  const revocation = [changed(2, true), changed(3, false)] as const;
  t.is(unexplainedGrant(begun, history(...revocation, isRevoked), last), undefined);
  t.is(unexplainedGrant(begun, history(...revocation, holds(2), isRevoked), last), undefined);
  t.is(unexplainedGrant(begun, history(...revocation, took(2), isRevoked), last), undefined);
});

test('a viewer who holds what came after it may not, nor one of whom nothing was ever taken back', (t) => {
  const revocation = [changed(2, true), changed(3, false)] as const;
  t.truthy(unexplainedGrant(begun, history(...revocation, holds(3), isRevoked), last));
  t.truthy(unexplainedGrant(begun, history(...revocation, took(3), isRevoked), last));
  t.truthy(unexplainedGrant(begun, history(isRevoked), { ...last, version: 1 }));
});
