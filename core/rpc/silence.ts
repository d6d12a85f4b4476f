/**
 * Ends the connections of a listener whose other end is silent. grpc-js would ping each of them all the time, and so
 * do their other ends: thousands that have nothing to say would keep a core busy. Here only who says nothing is pinged.
 */
import type { ServerHttp2Session } from 'node:http2';
import type { Server as NetServer } from 'node:net';
import type { Silence } from './limits.js';

/** Looks in one period: the more, the sooner silence is found, and the more a connection costs that is not silent. */
const looks = 4;

export function endSilent(listener: NetServer, silence: Silence): void {
  listener.on('session', (session: ServerHttp2Session) => watch(session, silence));
}

/** Pings after `timeMs` without a byte, and destroys what is silent for `timeoutMs` more. */
function watch(session: ServerHttp2Session, { timeMs, timeoutMs }: Silence): void {
  const { socket } = session;
  const periodMs = timeMs / looks;
  let bytesRead = 0;
  let silentLooks = 0;
  const look = (): void => {
    // Destroyed, it has no socket any more, and is closed a moment later.
    if (session.destroyed) return;
    silentLooks = socket.bytesRead === bytesRead ? silentLooks + 1 : 0;
    bytesRead = socket.bytesRead;
    if (silentLooks * periodMs >= timeMs + timeoutMs) session.destroy();
    else if (silentLooks === looks && !session.closed) session.ping(() => undefined);
  };
  const looking = setInterval(look, periodMs);
  session.once('close', () => clearInterval(looking));
}
