/**
 * Bounds the connections of a listener: those in their TLS handshake by network, those that are through by who they
 * are, and all by how long they are silent. grpc-js has no such limits; its listeners are reached by a field that it
 * does not promise, and a test says if they no longer are. docs/architecture.md, "Overload".
 */
import type { Server as NetServer, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type * as grpc from '@grpc/grpc-js';
import { network } from './connection.js';
import { Crowd } from './crowd.js';
import { CONNECTIONS, RPC_LIMITS } from './limits.js';
import type { Callers, Silence } from './limits.js';
import { endSilent } from './silence.js';

interface Inner {
  readonly http2Servers: ReadonlyMap<NetServer, unknown>;
}

export interface Connections {
  /** Ends those that have not finished their handshake: nothing else would, once the listener is closed. */
  closeUnfinished(): void;
  /** Ends the others, once their calls are done: one closed in good order waits for its other end to do so too. */
  closeFinished(): void;
}

/** To be called when the server is bound. */
export function boundConnections(server: grpc.Server, callers: Callers, silence: Silence): Connections {
  const { handshakesMax, handshakesPerNetworkMax } = RPC_LIMITS;
  const { max, perOriginMax } = CONNECTIONS[callers];
  const unfinished = new Crowd({ max: handshakesMax, perOriginMax: handshakesPerNetworkMax });
  const finished = new Crowd({ max, perOriginMax });
  for (const listener of (server as unknown as Inner).http2Servers.keys()) {
    listener.maxConnections = max + handshakesMax;
    endSilent(listener, silence);
    // Without TLS there is no handshake to be late with; no listener of ours is.
    if (!(listener instanceof TlsServer)) continue;
    const shaking = new Map<string, Socket>();
    listener.prependListener('connection', (socket: Socket) => {
      const end = endOf(socket);
      shaking.set(end, socket);
      socket.once('close', () => shaking.get(end) === socket && shaking.delete(end));
      unfinished.enter(socket, network(socket.remoteAddress));
    });
    listener.on('secureConnection', (socket) => {
      const raw = shaking.get(endOf(socket));
      if (raw) unfinished.leave(raw);
      finished.enter(socket, originOf(socket));
    });
  }
  return {
    closeUnfinished: () => unfinished.closeAll(),
    closeFinished: () => finished.closeAll(),
  };
}

/** The same for a connection and for TLS on it. */
const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

/** Who it is by its certificate; without one, the network it comes from. */
function originOf(socket: TLSSocket): string {
  return socket.getPeerCertificate().subjectaltname ?? network(socket.remoteAddress);
}
