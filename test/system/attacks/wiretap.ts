/**
 * All traffic of a server, as the server itself has it: a relay before it keeps every byte that goes either way, and
 * the server hands over the keys of its TLS sessions (Node's --tls-keylog), by which what was kept is read. Every
 * record is authenticated, so that a piece that is missing is an error and not silence.
 */
import { createDecipheriv, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Address } from '../../../core/address.js';

/** The two ways of one connection. */
interface Connection {
  readonly sent: Buffer[];
  readonly received: Buffer[];
}

export class Wiretap {
  readonly #keys: string;
  readonly #servers: Server[] = [];
  readonly #sockets: Socket[] = [];
  readonly #connections: Connection[] = [];

  /** @param keys the file with the keys of the sessions */
  constructor(keys: string) {
    this.#keys = keys;
  }

  async relay(at: Address, to: Address): Promise<void> {
    const server = createServer((near) => {
      const far = connect(to);
      const connection: Connection = { sent: [], received: [] };
      this.#connections.push(connection);
      this.#carry(near, far, connection.sent);
      this.#carry(far, near, connection.received);
    }).listen(at);
    this.#servers.push(server);
    await once(server, 'listening');
  }

  /** What was said: the bytes of each HTTP/2 stream's messages, one way, together. */
  async heard(): Promise<Buffer[]> {
    const secrets = new Map<string, Buffer>();
    for (const line of (await readFile(this.#keys, 'latin1')).split('\n')) {
      const [label, random, secret] = line.split(' ');
      if (secret !== undefined) secrets.set(`${label!} ${random!}`, Buffer.from(secret, 'hex'));
    }
    return this.#connections.flatMap(({ sent, received }) => {
      const [hello, ...rest] = recordsOf(Buffer.concat(sent));
      const [answer, ...answered] = recordsOf(Buffer.concat(received));
      // Ended before there was anything to say.
      if (!hello || !answer) return [];
      if (suiteOf(answer) !== aes256GcmSha384)
        throw new Error('another cipher suite than Node’s first choice');
      const random = hello.subarray(11, 43).toString('hex');
      const keys = (...labels: string[]) => labels.map((label) => secrets.get(`${label} ${random}`));
      const asked = plainOf(rest, keys('CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'CLIENT_TRAFFIC_SECRET_0'));
      const told = plainOf(answered, keys('SERVER_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_TRAFFIC_SECRET_0'));
      return [...streamsOf(asked.subarray(prefaceBytes)), ...streamsOf(told)];
    });
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #carry(from: Socket, to: Socket, kept: Buffer[]): void {
    this.#sockets.push(from);
    from.on('data', (piece: Buffer) => kept.push(piece));
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}

const aes256GcmSha384 = 0x1302;
const headerBytes = 5;
const tagBytes = 16;
const [handshakeRecord, dataRecord] = [22, 23];
const finished = 20;
/** PRI * HTTP/2.0 and SM. */
const prefaceBytes = 24;

/** Of TLS (RFC 8446, 5.1), each with its header. The last may not have arrived whole. */
function recordsOf(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at + headerBytes <= bytes.length;) {
    const end = at + headerBytes + bytes.readUInt16BE(at + 3);
    if (end <= bytes.length) records.push(bytes.subarray(at, end));
    at = end;
  }
  return records;
}

/** What a ServerHello chose: it stands behind the session's id. */
const suiteOf = (hello: Buffer): number => hello.readUInt16BE(44 + hello[43]!);

/**
 * What one side said after its hello: under the handshake's secret and, once it has finished, under its own, which
 * there is not if it left before.
 */
function plainOf(records: readonly Buffer[], secrets: readonly (Buffer | undefined)[]): Buffer {
  const data: Buffer[] = [];
  let [opened, next] = secrets.map((secret) => secret && opener(secret));
  let shaking = Buffer.alloc(0);
  for (const record of records) {
    if (record[0] !== dataRecord) continue;
    const inner = opened!(record);
    // Behind the content stands its type, and behind that zeros.
    const end = inner.findLastIndex((byte) => byte !== 0);
    if (inner[end] === dataRecord) data.push(inner.subarray(0, end));
    if (inner[end] !== handshakeRecord || !next) continue;
    shaking = Buffer.concat([shaking, inner.subarray(0, end)]);
    while (shaking.length >= 4 && shaking.length >= 4 + shaking.readUIntBE(1, 3)) {
      if (shaking[0] === finished) [opened, next] = [next, undefined];
      shaking = shaking.subarray(4 + shaking.readUIntBE(1, 3));
    }
  }
  return Buffer.concat(data);
}

/** Opens one record after the other. @throws Error if one is missing or another's */
function opener(secret: Buffer): (record: Buffer) => Buffer {
  const [key, iv] = [expanded(secret, 'key', 32), expanded(secret, 'iv', 12)];
  let number = 0;
  return (record) => {
    const counted = Buffer.alloc(iv.length);
    counted.writeUIntBE(number++, 6, 6);
    const nonce = counted.map((byte, at) => byte ^ iv[at]!);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce);
    decipher.setAAD(record.subarray(0, headerBytes));
    decipher.setAuthTag(record.subarray(-tagBytes));
    return Buffer.concat([decipher.update(record.subarray(headerBytes, -tagBytes)), decipher.final()]);
  };
}

/** HKDF-Expand-Label (RFC 8446, 7.1), of one block. */
function expanded(secret: Buffer, label: string, length: number): Buffer {
  const named = Buffer.from(`tls13 ${label}`);
  const info = Buffer.from([0, length, named.length, ...named, 0, 1]);
  return createHmac('sha384', secret).update(info).digest().subarray(0, length);
}

/** The DATA of each stream (RFC 9113, 4.1) together, for a message may be in several frames; any other frame by itself. */
function streamsOf(bytes: Buffer): Buffer[] {
  const [streams, others] = [new Map<number, Buffer[]>(), [] as Buffer[]];
  for (let at = 0; at + 9 <= bytes.length;) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    const payload = bytes.subarray(at + 9, end);
    const stream = bytes.readUInt32BE(at + 5);
    if (bytes[at + 3] !== 0) others.push(payload);
    else streams.set(stream, [...(streams.get(stream) ?? []), payload]);
    at = end;
  }
  return [...[...streams.values()].map((pieces) => Buffer.concat(pieces)), ...others];
}
