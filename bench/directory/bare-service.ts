/** The plainest stream that gRPC can have: it says one thing, is answered, and stays open. */
import type * as grpc from '@grpc/grpc-js';

const same = (bytes: Buffer): Buffer => bytes;

export const holding = {
  hold: {
    path: '/bench.Bare/Hold',
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
} satisfies grpc.ServiceDefinition;
