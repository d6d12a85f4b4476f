/**
 * The receive window of a server's connections. grpc-js offers a larger one to clients alone
 * (`grpc-node.flow_control_window`), and with HTTP/2's 64 KiB an upload over 30 ms of network crawls at 2 MB/s.
 * A stream's window is set by the listener's credentials; the connection's is reached through a call, by fields
 * that grpc-js does not promise: without them the default stays, and a test says so.
 */
import type { ServerHttp2Session } from 'node:http2';
import { RPC_LIMITS } from './limits.js';

interface Inner {
  readonly call?: { readonly stream?: { readonly session?: ServerHttp2Session } };
}

const widened = new WeakSet<ServerHttp2Session>();

/** Widens the window of the connection that the call came over; once. */
export function widen(call: object): void {
  const session = (call as Inner).call?.stream?.session;
  if (!session || session.destroyed || widened.has(session)) return;
  widened.add(session);
  session.setLocalWindowSize(RPC_LIMITS.windowBytes);
}
