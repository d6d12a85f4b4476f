/** The end of the control socket that every other command holds. */
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from 'node:http';
import type { Line, Outcome, Told, Typed } from './control.js';
import { socketPath } from './control-path.js';
import { WEB_LIMITS } from './limits.js';

/** `up` ended, or was ended, before it had answered. What it did of the command is not known. */
export class ControlLost extends Error {
  override readonly name = 'ControlLost';
}

/**
 * Has the `up` of `home` perform a command. Undefined if none runs there.
 * @throws ControlLost; the signal's reason
 */
export async function performThere(
  home: string,
  name: string,
  typed: Typed,
  hear: (told: Told) => void,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const asked = request({
    socketPath: socketPath(home),
    method: 'POST',
    path: `/commands/${name}`,
    headers: { 'Content-Type': 'application/json' },
    signal,
  });
  const response = await sent(asked, JSON.stringify(typed));
  if (!response) return undefined;
  if (response.statusCode !== 200) {
    response.resume();
    throw new ControlLost(
      `the running up does not understand this command (${response.statusCode}): start it anew`,
    );
  }
  try {
    for await (const line of linesOf(response)) {
      if ('outcome' in line) return line.outcome;
      hear(line);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ControlLost) throw error;
  }
  throw new ControlLost('up ended before it answered: see what became of it with glimpse status');
}

/** No socket, or nobody behind it: a socket outlives its process if that was killed. */
const nobody: ReadonlySet<unknown> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ENOTSOCK']);

async function sent(asked: ClientRequest, body: string): Promise<IncomingMessage | undefined> {
  asked.end(body);
  try {
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return response;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (nobody.has(code)) return undefined;
    if (code === 'ABORT_ERR') throw error;
    throw new ControlLost(`the running up cannot be asked (${(error as Error).message}): start it anew`, {
      cause: error,
    });
  }
}

/** Not node:readline: it has no bound on a line. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<Line> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
      pieces.push(piece.subarray(from, end));
      yield JSON.parse(Buffer.concat(pieces).toString('utf8')) as Line;
      pieces = [];
      bytes = 0;
      from = end + 1;
    }
    pieces.push(piece.subarray(from));
    bytes += piece.length - from;
    if (bytes > WEB_LIMITS.answerBytesMax)
      throw new ControlLost('the running up answers too much: start it anew');
  }
}
