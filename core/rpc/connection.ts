/**
 * The connection that a call came over, for what is the same for all its calls. It is reached by fields that grpc-js
 * does not promise: without them there is none, and what was remembered is found out again for each call.
 */
import type { ServerHttp2Session } from 'node:http2';
import { isIPv6 } from 'node:net';
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

/** Where a call comes from, as far as strangers are told apart by it. */
export function networkOf(call: object): string {
  const connection = connectionOf(call);
  return network(connection?.destroyed === false ? connection.socket.remoteAddress : undefined);
}

/** An IPv4 address; of an IPv6 address the half that is given to one customer or household. */
export function network(address = 'unknown'): string {
  const mapped = address.toLowerCase().replace(/^::ffff:(?=[0-9.]+$)/, '');
  if (!isIPv6(mapped)) return mapped;
  const [before = '', after] = mapped.split('::');
  const head = before.split(':').filter((group) => group !== '');
  const tail = (after ?? '').split(':').filter((group) => group !== '');
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array<string>(Math.max(0, zeros)).fill('0'), ...tail];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
