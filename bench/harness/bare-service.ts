/** The plainest service that gRPC can have, bytes as they are: what the product’s own calls are compared to. */
import type * as grpc from '@grpc/grpc-js';

const same = (bytes: Buffer): Buffer => bytes;
const plain = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

export const bareService = {
  /** Bytes in, how many they were out. */
  put: { path: '/bench.Bare/Put', requestStream: true, responseStream: false, ...plain },
  /** Says what it hears, and stays open. */
  hold: { path: '/bench.Bare/Hold', requestStream: true, responseStream: true, ...plain },
  /** Says what it hears, once. */
  echo: { path: '/bench.Bare/Echo', requestStream: false, responseStream: false, ...plain },
} satisfies grpc.ServiceDefinition;
