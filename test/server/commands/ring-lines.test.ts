import { stripVTControlCharacters } from 'node:util';
import { create } from '@bufbuild/protobuf';
import test from 'ava';
import { MemberState, WatchResponseSchema } from '../../../gen/glimpse/v1/election_pb.js';
import type { WatchResponse } from '../../../gen/glimpse/v1/election_pb.js';
import { changeKey, describeRing, ringLine, ringTable } from '../../../server/commands/ring-lines.js';

const view = (cpu: number): WatchResponse =>
  create(WatchResponseSchema, {
    id: 's1',
    epoch: { counter: 3, minter: 's1' },
    members: [
      {
        member: { id: 's1', address: '127.0.0.1:7610', state: MemberState.ALIVE, incarnation: 1 },
        load: { id: 's1', inFlight: 2, granted: 5, cpu },
        relativeLoad: 0.5 + cpu / 10,
      },
      {
        member: { id: 's2', address: '127.0.0.1:7612', state: MemberState.ALIVE, incarnation: 1 },
        load: { id: 's2', draining: true },
      },
      { member: { id: 's3', address: '127.0.0.1:7614', state: MemberState.DEAD, incarnation: 1 } },
    ],
  });

test('a ring is described with what people ask about', (t) => {
  t.deepEqual(describeRing(view(0.25)), {
    epoch: '3.s1',
    servers: [
      {
        id: 's1',
        address: '127.0.0.1:7610',
        state: 'alive',
        load: 0.525,
        cpu: 0.25,
        inFlight: 2,
        granted: 5,
      },
      { id: 's2', address: '127.0.0.1:7612', state: 'draining', load: 0, cpu: 0, inFlight: 0, granted: 0 },
      { id: 's3', address: '127.0.0.1:7614', state: 'dead', load: 0, cpu: 0, inFlight: 0, granted: 0 },
    ],
  });
});

test('a ring that nobody has granted in has no epoch yet', (t) => {
  t.deepEqual(describeRing(create(WatchResponseSchema)), { epoch: '0', servers: [] });
});

test('a swaying load is no news, a grant is', (t) => {
  const calm = describeRing(view(0.1));
  t.is(changeKey(calm), changeKey(describeRing(view(0.9))));
  const granted = { ...calm, servers: calm.servers.map((server) => ({ ...server, granted: 9 })) };
  t.not(changeKey(calm), changeKey(granted));
});

test('the table has a line a member, the line all of them', (t) => {
  const ring = describeRing(view(0));
  t.is(
    stripVTControlCharacters(ringTable(ring)),
    [
      'id  state     load              in flight  granted  epoch 3.s1',
      's1  alive     █████░░░░░  0.50          2        5',
      's2  draining  ░░░░░░░░░░  0.00          0        0',
      's3  dead      ░░░░░░░░░░  0.00          0        0',
    ].join('\n'),
  );
  t.is(
    ringLine(ring),
    'epoch 3.s1: s1 alive, 2 in flight, 5 granted; s2 draining, 0 in flight, 0 granted; s3 dead, 0 in flight, 0 granted',
  );
});
