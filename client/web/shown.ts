/**
 * A picture at an address of its own, once: docs/architecture.md, "Showing a view". Loopback only, a random port,
 * a random path; whoever asks wrongly learns nothing and uses nothing up. Nothing is ever written to a disk.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WEB_LIMITS } from './limits.js';
import { isAnothers } from './loopback.js';

export interface Picture {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

export interface Shown {
  readonly url: string;
  /** Resolves when the picture was fetched, its time is over, or it was withdrawn. */
  readonly gone: Promise<void>;
  readonly withdraw: () => void;
}

/** What a browser shows as a picture and never runs. The type comes from another person's computer. */
const mediaTypes: ReadonlySet<string> = new Set([
  'image/avif',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/tiff',
  'image/webp',
]);

/** Serves `picture` to the first GET of its address, for at most `shownMs`. */
export async function showOnce(picture: Picture, shownMs: number = WEB_LIMITS.shownMs): Promise<Shown> {
  const token = randomBytes(32).toString('hex');
  let left: Picture | undefined = picture;
  const server = createServer({ requestTimeout: WEB_LIMITS.requestMs }, (request, response) => {
    const { port } = server.address() as AddressInfo;
    const refusal = refusalOf(request, token, `127.0.0.1:${port}`);
    if (refusal !== undefined || left === undefined) {
      refuse(response, refusal ?? 404);
      return;
    }
    give(response, left);
    left = undefined;
    clearTimeout(timer);
    timer = setTimeout(withdraw, WEB_LIMITS.fetchMs);
    response.once('close', withdraw);
  });
  server.maxConnections = WEB_LIMITS.connectionsMax;
  const gone = once(server, 'close').then(() => undefined);
  const withdraw = () => {
    left = undefined;
    clearTimeout(timer);
    server.close();
    server.closeAllConnections();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let timer = setTimeout(withdraw, shownMs);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/${token}`, gone, withdraw };
}

/** A page of another site that reaches this port under its own name (DNS rebinding) sends that name as Host. */
function refusalOf(request: IncomingMessage, token: string, host: string): number | undefined {
  if (request.headers.host !== host) return 403;
  const { remotePort: from = 0, localPort: to = 0 } = request.socket;
  if (isAnothers({ from, to })) return 403;
  if (!sameText(request.url ?? '', `/${token}`)) return 404;
  return request.method === 'GET' ? undefined : 405;
}

function sameText(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  Connection: 'close',
} as const;

function give(response: ServerResponse, { bytes, mediaType }: Picture): void {
  response.writeHead(200, {
    ...headers,
    'Content-Type': mediaTypes.has(mediaType) ? mediaType : 'application/octet-stream',
    'Content-Length': bytes.length,
  });
  response.end(bytes);
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { ...headers, ...(status === 405 && { Allow: 'GET' }) });
  response.end();
}

/** The pictures that one process shows at a time: few, since each is held in memory. */
export class Showing {
  readonly #shown = new Set<Shown>();

  /** @returns its address. The oldest of too many is withdrawn. */
  async show(picture: Picture): Promise<string> {
    const [oldest] = this.#shown;
    if (oldest && this.#shown.size >= WEB_LIMITS.shownMax) oldest.withdraw();
    const shown = await showOnce(picture);
    this.#shown.add(shown);
    void shown.gone.then(() => this.#shown.delete(shown));
    return shown.url;
  }

  /** Resolves when every picture that is shown now is gone. */
  async gone(): Promise<void> {
    await Promise.all([...this.#shown].map((shown) => shown.gone));
  }

  async withdraw(): Promise<void> {
    for (const shown of this.#shown) shown.withdraw();
    await this.gone();
  }
}
