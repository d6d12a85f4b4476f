/**
 * The receive window of a server's connections. grpc-js offers a larger one to clients alone
 * (`grpc-node.flow_control_window`), and with HTTP/2's 64 KiB an upload over 30 ms of network crawls at 2 MB/s.
 * A stream's window is set by the listener's credentials; the connection's is reached through a call: where it
 * is not, the default stays, and a test says so.
 */
import type { ServerHttp2Session } from 'node:http2';
import { connectionOf } from './connection.js';
import { RPC_LIMITS } from './limits.js';

const widened = new WeakSet<ServerHttp2Session>();

/** Widens the window of the connection that the call came over; once. */
export function widen(call: object): void {
  const session = connectionOf(call);
  if (!session || session.destroyed || widened.has(session)) return;
  widened.add(session);
  session.setLocalWindowSize(RPC_LIMITS.windowBytes);
}
