/** What a server says of a ring of three, one of them draining and one dead. */
import { create } from '@bufbuild/protobuf';
import { MemberState, WatchResponseSchema } from '../../gen/glimpse/v1/election_pb.js';
import type { WatchResponse } from '../../gen/glimpse/v1/election_pb.js';

export const view = (cpu: number): WatchResponse =>
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
