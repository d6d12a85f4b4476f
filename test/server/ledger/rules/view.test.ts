import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import test from 'ava';
import fc from 'fast-check';
import { v4, v7 } from 'uuid';
import { Reason } from '../../../../gen/glimpse/v1/error_pb.js';
import { Mode } from '../../../../gen/glimpse/v1/rights_pb.js';
import { decideViews, remainingOf, viewIdTimeMs } from '../../../../server/ledger/rules/view.js';
import { rightsOf } from '../../../core/rights/samples.js';
import { alice, bob, bytes32, mallory, sealId, startMs, viewIdAt } from '../scene.js';

interface Case {
  readonly rights?: Parameters<typeof rightsOf>[0];
  readonly used?: number;
  readonly releases?: number;
  readonly ageMs?: number;
  readonly viewId?: Uint8Array;
  readonly viewIds?: readonly Uint8Array[];
  readonly outstanding?: number;
  readonly closed?: boolean;
  /** Of the asked views, how many were charged. */
  readonly charged?: number;
  readonly sealId?: Uint8Array;
  readonly by?: Uint8Array;
}

function decide(given: Case): string {
  const { rights = {}, used = 0, releases, ageMs = 0, by = bob.fingerprint } = given;
  const viewIds = given.viewIds ?? [given.viewId ?? viewIdAt(startMs - ageMs)];
  const charged = given.charged ?? (releases === undefined ? 0 : 1);
  const views = viewIds.map((_, at) => (at < charged ? { releases: releases ?? 1 } : undefined));
  const asked = { fingerprint: by, viewIds, sealId: given.sealId ?? sealId };
  const known = {
    rights: rightsOf(rights),
    used,
    outstanding: given.outstanding ?? 0,
    closed: given.closed ?? false,
    views,
  };
  const decision = decideViews(known, asked, startMs);
  return decision.type === 'refuse' ? Reason[decision.reason] : decision.type;
}

const is = test.macro({
  exec: (t, given: Case, expected: string) => t.is(decide(given), expected),
  title: (name, _given: Case, expected: string) => `${name ?? ''}: ${expected}`,
});

const expiresAt = timestampFromMs(startMs);

test('a view left', is, {}, 'spend');
test('the last view', is, { used: 2 }, 'spend');
test('no view left', is, { used: 3 }, 'VIEWS_SPENT');
test('more spent than is allowed by now', is, { used: 5 }, 'VIEWS_SPENT');
test('a quota of none', is, { rights: { quota: 0 } }, 'VIEWS_SPENT');
test('a retry of the last view', is, { used: 3, releases: 1 }, 'repeat');
test('a retry when the quota fell below what was spent', is, { used: 4, releases: 1 }, 'VIEWS_SPENT');
test('the third release', is, { used: 3, releases: 2 }, 'repeat');
test('a fourth release', is, { used: 1, releases: 3 }, 'VIEW_ID_STALE');
test('revoked', is, { rights: { revoked: true } }, 'REVOKED');
test('taken back after the key was replaced', is, { closed: true }, 'REVOKED');
test('a retry after revoking', is, { rights: { revoked: true }, used: 1, releases: 1 }, 'REVOKED');
test('expired this moment', is, { rights: { expiresAt } }, 'EXPIRED');
test('a moment before it expires', is, { rights: { expiresAt: timestampFromMs(startMs + 1) } }, 'spend');
test('a retry after the expiry', is, { rights: { expiresAt }, used: 1, releases: 1 }, 'EXPIRED');
test('a carrier of another hiding', is, { sealId: bytes32(9) }, 'CARRIER_SUPERSEDED');
test('as old as an id may be', is, { ageMs: 65_000 }, 'spend');
test('older', is, { ageMs: 65_001 }, 'VIEW_ID_STALE');
test('older, and known', is, { ageMs: 65_001, used: 1, releases: 1 }, 'VIEW_ID_STALE');
test('as far ahead as a clock may be', is, { ageMs: -5_000 }, 'spend');
test('from the future', is, { ageMs: -5_001 }, 'VIEW_ID_STALE');
test('the owner', is, { by: alice.fingerprint }, 'NOT_YOURS');
test('a stranger', is, { by: mallory.fingerprint, rights: { revoked: true } }, 'UNKNOWN_GRANT');
test('a random id', is, { viewId: v4(undefined, new Uint8Array(16)) }, 'INVALID_REQUEST');
test('no id at all', is, { viewId: new Uint8Array(15) }, 'INVALID_REQUEST');

const prepaid = { mode: Mode.PREPAID, batchViewsMax: 2, quota: 4 };
const both = [viewIdAt(startMs), viewIdAt(startMs)];

test('two at once', is, { rights: prepaid, viewIds: both }, 'spend');
test('two at once, strict', is, { viewIds: both }, 'INVALID_REQUEST');
test('none at all', is, { rights: prepaid, viewIds: [] }, 'INVALID_REQUEST');
test('the same twice', is, { rights: prepaid, viewIds: [both[0]!, both[0]!] }, 'INVALID_REQUEST');
test('two, and one is left', is, { rights: prepaid, viewIds: both, used: 3 }, 'VIEWS_SPENT');
test('two repeated', is, { rights: prepaid, viewIds: both, used: 4, charged: 2, outstanding: 2 }, 'repeat');
test('two, of which one is known', is, { rights: prepaid, viewIds: both, charged: 1 }, 'INVALID_REQUEST');
test('as many outstanding as may be', is, { rights: prepaid, outstanding: 2 }, 'LIMIT_EXCEEDED');
test('one more may be outstanding', is, { rights: prepaid, outstanding: 1 }, 'spend');
test('two, one of them old', is, { rights: prepaid, viewIds: [both[0]!, viewIdAt(0)] }, 'VIEW_ID_STALE');

test('the time of a view id is the one it was made at', (t) => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 48 - 1 }), (ms) => {
      t.is(viewIdTimeMs(v7({ msecs: ms }, new Uint8Array(16))), ms);
    }),
  );
});

test('remaining is never below none, and none when revoked', (t) => {
  t.is(remainingOf(rightsOf({ quota: 3 }), 1), 2);
  t.is(remainingOf(rightsOf({ quota: 3 }), 5), 0);
  t.is(remainingOf(rightsOf({ quota: 3, revoked: true }), 0), 0);
});
