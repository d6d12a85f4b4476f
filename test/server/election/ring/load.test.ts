/** Who is elected, as a property: no eligible member would find the next request less loaded. */
import test from 'ava';
import fc from 'fast-check';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { LoadSchema, MemberSchema, MemberState } from '../../../../gen/glimpse/v1/election_pb.js';
import type { Load } from '../../../../gen/glimpse/v1/election_pb.js';
import {
  creditCount,
  creditedIds,
  noCredits,
  owed,
  withCredit,
} from '../../../../server/election/ring/credits.js';
import { charged, leastLoaded, relativeLoad } from '../../../../server/election/ring/load.js';
import { hex } from '../../../../server/election/ring/state.js';
import type { State } from '../../../../server/election/ring/state.js';
import { begin } from '../../../../server/election/ring/step.js';

const reading = { backgroundCores: 0, cores: 2, speed: 1, cpu: 0 };
const requestId = (n: number) => new Uint8Array(16).fill(n & 0xff, 0, 8).fill(n >> 8, 8);

function ringOf(states: readonly MemberState[]): State {
  const born = begin({ id: 'm0', address: 'm0:1', incarnation: 1, atMs: 1000, reading, seed: 1 });
  const members = states.map((state, index) =>
    create(MemberSchema, { id: `m${index}`, address: `m${index}:1`, state, incarnation: 1 }),
  );
  return { ...born, members };
}

const row = fc.record({
  inFlight: fc.nat(20),
  credits: fc.nat(5),
  backgroundCores: fc.integer({ min: 0, max: 16 }).map((quarters) => quarters / 4),
  cores: fc.integer({ min: 1, max: 64 }),
  speed: fc.integer({ min: 1, max: 12 }).map((quarters) => quarters / 4),
  draining: fc.boolean(),
  recentGrants: fc.nat(3),
  state: fc.constantFrom(MemberState.ALIVE, MemberState.SUSPECT, MemberState.DEAD, MemberState.LEFT),
});

function creditsOf(count: number): Uint8Array {
  return Array.from({ length: count }, (_, n) => requestId(n)).reduce(
    (credits, id) => withCredit(credits, id, 9000),
    noCredits,
  );
}

test('the elected is alive, does not drain, and is the least loaded; then the one granted least of late', (t) => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), fc.nat(6), (drawn, last) => {
      const loads = drawn.map(({ credits, state: _, ...rest }, index) =>
        create(LoadSchema, { ...rest, id: `m${index}`, credits: creditsOf(credits) }),
      );
      const elected = leastLoaded(ringOf(drawn.map(({ state }) => state)), loads, `m${last}`);
      const fit = loads.filter((load, index) => drawn[index]!.state === MemberState.ALIVE && !load.draining);
      const best = loads.find(({ id }) => id === elected);
      t.is(best === undefined, fit.length === 0);
      if (!best) return;
      t.true(fit.includes(best));
      for (const other of fit) {
        t.true(relativeLoad(best) <= relativeLoad(other));
        if (relativeLoad(best) === relativeLoad(other)) t.true(best.recentGrants <= other.recentGrants);
      }
    }),
  );
});

test('equals take turns, whoever was elected last', (t) => {
  const state = ringOf([MemberState.ALIVE, MemberState.ALIVE, MemberState.ALIVE]);
  let loads: readonly Load[] = ['m0', 'm1', 'm2'].map((id) => create(LoadSchema, { ...reading, id }));
  const leaders: string[] = [];
  for (let n = 0; n < 30; n++) {
    const leader = leastLoaded(state, loads, leaders.at(-1) ?? '')!;
    leaders.push(leader);
    // The work is over before the next request: only turns tell them apart.
    loads = charged(loads, { leader, requestId: requestId(n), deadlineMs: 9000 }).map((load) => ({
      ...load,
      credits: noCredits,
    }));
  }
  for (const id of ['m0', 'm1', 'm2']) t.is(leaders.filter((leader) => leader === id).length, 10);
});

test('a load that is no number is the highest', (t) => {
  for (const odd of [{ cores: 0 }, { speed: NaN }, { cores: -1 }, { backgroundCores: NaN }]) {
    t.is(relativeLoad(create(LoadSchema, { ...reading, asOf: timestampFromMs(0), ...odd })), Infinity);
  }
});

test('credits are owed until they are settled or their time is over', (t) => {
  const credit = fc.record({ id: fc.nat(1000), deadlineMs: fc.nat(100).map((s) => s * 1000) });
  fc.assert(
    fc.property(
      fc.uniqueArray(credit, { selector: ({ id }) => id }),
      fc.array(fc.nat(1000)),
      fc.nat(100_000),
      (given, settled, nowMs) => {
        const packed = given.reduce(
          (credits, { id, deadlineMs }) => withCredit(credits, requestId(id), deadlineMs),
          noCredits,
        );
        const expected = new Map(given.map(({ id, deadlineMs }) => [hex(requestId(id)), deadlineMs]));
        t.is(creditCount(packed), expected.size);
        const begun = new Set(settled.map((id) => hex(requestId(id))));
        const left = [...expected].filter(([id, deadlineMs]) => deadlineMs > nowMs && !begun.has(id));
        t.deepEqual([...creditedIds(owed(packed, begun, nowMs))].sort(), left.map(([id]) => id).sort());
      },
    ),
  );
});
