import { create } from '@bufbuild/protobuf';
import test from 'ava';
import { ringLines } from '../../core/ring-lines.js';
import { WatchResponseSchema } from '../../gen/glimpse/v1/election_pb.js';
import { view } from './ring-of-three.js';

test('a ring is described with what people ask about', (t) => {
  t.deepEqual(ringLines(view(0.25)), {
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
  for (const epoch of [undefined, { counter: 0, minter: '' }]) {
    t.deepEqual(ringLines(create(WatchResponseSchema, { epoch })), { epoch: '0', servers: [] });
  }
});
