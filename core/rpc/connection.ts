/**
 * The connection that a call came over, for what is the same for all its calls. It is reached by fields that grpc-js
 * does not promise: without them there is none, and what was remembered is found out again for each call.
 */
import type { ServerHttp2Session } from 'node:http2';
import type * as grpc from '@grpc/grpc-js';
import { callerOf } from '../identity/role.js';
import type { Caller } from '../identity/role.js';

interface Inner {
  readonly call?: { readonly stream?: { readonly session?: ServerHttp2Session } };
}

export function connectionOf(call: object): ServerHttp2Session | undefined {
  return (call as Inner).call?.stream?.session;
}

const callers = new WeakMap<ServerHttp2Session, Caller>();

/** Who calls, by the certificate of the connection: TLS 1.3 does not change it, and to read it costs a millisecond. */
export function callerOn(call: Pick<grpc.ServerUnaryCall<unknown, unknown>, 'getAuthContext'>): Caller {
  const connection = connectionOf(call);
  const known = connection && callers.get(connection);
  if (known) return known;
  const caller = callerOf(call.getAuthContext().sslPeerCertificate?.raw);
  if (connection) callers.set(connection, caller);
  return caller;
}
