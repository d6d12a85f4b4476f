/** The plainest service that gRPC can have: bytes in, how many they were out. */
import type * as grpc from '@grpc/grpc-js';

const same = (bytes: Buffer): Buffer => bytes;

export const bareService = {
  put: {
    path: '/bench.Bare/Put',
    requestStream: true,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
} satisfies grpc.ServiceDefinition;
