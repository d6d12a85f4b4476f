/** Listens: one address, its credentials, its services; stops in good order, or by force. */
import * as grpc from '@grpc/grpc-js';
import { formatAddress } from '../address.js';
import { sharedOptions } from './channel.js';
import { boundConnections } from './connections.js';
import { CONNECTIONS, LISTENER_SILENCE } from './limits.js';
import type { Callers, Silence } from './limits.js';

export interface ServerOptions {
  /** An address of this machine, or a name that stands for one. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly credentials: grpc.ServerCredentials;
  /** Adds the services. */
  readonly register: (server: grpc.Server) => void;
  /** How soon a silent caller is given up. */
  readonly silence?: Silence;
  /** Who connects: members with certificates, unless told otherwise. */
  readonly callers?: Callers;
}

export interface RunningServer {
  /** host:port, with the port that was found. */
  readonly address: string;
  readonly port: number;
  /** Takes no more calls, waits for those under way, and cancels what is left after `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>;
}

/** The address cannot be listened on. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen';
}

/** @throws CannotListen */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port: wanted, credentials, register } = options;
  const { silence = LISTENER_SILENCE, callers = 'members' } = options;
  const server = new grpc.Server({
    ...sharedOptions(),
    'grpc.max_connection_idle_ms': CONNECTIONS[callers].idleMs,
  });
  register(server);
  const port = await bind(server, formatAddress({ host, port: wanted }), credentials);
  const connections = boundConnections(server, callers, silence);
  const stopped = async (deadlineMs: number): Promise<void> => {
    connections.closeUnfinished();
    await stop(server, deadlineMs);
    connections.closeFinished();
  };
  return { address: formatAddress({ host, port }), port, stop: stopped };
}

function bind(server: grpc.Server, address: string, credentials: grpc.ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (!error) {
        resolve(port);
        return;
      }
      server.forceShutdown();
      const taken = error.message.includes('EADDRINUSE');
      const what = taken
        ? `${address} is in use: stop the program that listens there, or choose another port.`
        : `Cannot listen on ${address}: choose an address of this machine (${error.message}).`;
      reject(new CannotListen(what, { cause: error }));
    });
  });
}

function stop(server: grpc.Server, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      // grpc-js waits for ever for a connection that was given up as silent: nothing of ours runs on it any more.
      resolve();
    }, deadlineMs);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
