/**
 * The end of the control socket that `up` holds: HTTP over a Unix socket of its owner alone, so that clients of any
 * kind can speak it. Requests are bounded and checked; a client that goes away ends its command.
 */
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Line, Outcome, Told, Typed } from './control.js';
import { readTyped } from './control.js';
import { makeSocketPath, removeSocketPath } from './control-path.js';
import { WEB_LIMITS } from './limits.js';

/** Performs a command by name; undefined if there is none of that name. Never rejects. */
export type Perform = (
  name: string,
  typed: Typed,
  say: (told: Told) => void,
  signal: AbortSignal,
) => Promise<Outcome> | undefined;

export interface Control {
  /** Removes the socket, tells what is under way to end, and waits a little until it has. */
  close(): Promise<void>;
}

/** Listens at the socket of `home`. For the holder of the home's lock alone. */
export async function serveControl(home: string, perform: Perform): Promise<Control> {
  const closing = new AbortController();
  const server = createServer({ requestTimeout: WEB_LIMITS.requestMs }, (request, response) => {
    answer(request, response, perform, closing.signal).catch(() => response.destroy());
  });
  server.maxConnections = WEB_LIMITS.commandsMax;
  const socket = makeSocketPath(home);
  server.listen(socket);
  await once(server, 'listening');
  chmodSync(socket, 0o600);
  return {
    close: async () => {
      removeSocketPath(home);
      const closed = once(server, 'close');
      server.close();
      closing.abort();
      const late = setTimeout(() => server.closeAllConnections(), WEB_LIMITS.lastWordsMs);
      await closed;
      clearTimeout(late);
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  perform: Perform,
  closing: AbortSignal,
): Promise<void> {
  const asked = await readAsked(request);
  if (typeof asked === 'number') {
    refuse(response, asked);
    return;
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.setHeader('Content-Type', 'application/x-ndjson').setHeader('Connection', 'close');
  const signal = AbortSignal.any([gone.signal, closing]);
  const outcome = perform(asked.name, asked.typed, (told) => say(response, told), signal);
  if (outcome) response.end(text({ outcome: await outcome }));
  else refuse(response, 404);
}

/** The command that is asked for, or the status that says what is wrong. */
async function readAsked(request: IncomingMessage): Promise<{ name: string; typed: Typed } | number> {
  const name = /^\/commands\/([a-z]+)$/.exec(request.url ?? '')?.[1];
  if (name === undefined) return 404;
  if (request.method !== 'POST') return 405;
  const body = await readBody(request);
  if (body === undefined) return 413;
  const typed = readTyped(parsed(body));
  return typed ? { name, typed } : 400;
}

/** Progress is dropped while the reader is behind: the next tells as much. Drawings are not. */
function say(response: ServerResponse, told: Told): void {
  if (response.destroyed || (response.writableNeedDrain && !('drawing' in told))) return;
  response.write(text(told));
}

const text = (line: Line) => `${JSON.stringify(line)}\n`;

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > WEB_LIMITS.requestBytesMax) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { Connection: 'close' });
  response.end();
}
