/**
 * Every method of every service, over real TLS to real processes: messages that are almost right, and bytes that are
 * almost HTTP/2. What is looked for is INTERNAL, which a handler that did not expect its input ends in, and silence.
 */
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import type { DescMethod } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { isTurnedAway, waitAsTold } from '../../client/cloud/waiting.js';
import { parseAddress } from '../../core/address.js';
import { pem } from '../../core/identity/tls.js';
import type { Credentials, Identity } from '../../core/identity/tls.js';
import { openChannel } from '../../core/rpc/channel.js';
import type { Channel } from '../../core/rpc/channel.js';
import { Refused } from '../../core/rpc/errors.js';
import { pathOf, streamsRequests, streamsResponses } from '../../core/rpc/method.js';
import { fromStatus } from '../../core/rpc/status.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { Random } from '../../server/election/simulator/random.js';
import { hidingTarget } from './hiding.js';
import { mutated } from './mutate.js';
import { sampleOf } from './samples.js';
import { SMALL } from './target.js';
import type { Target } from './target.js';

/** A stream that is whole may be left without an answer for so long, if it is to last. */
const callMs = 5_000;
/** A single request that has no answer by then has hung its handler. */
const answerMs = 20_000;
/** Streams are given so many messages of one input. */
const messagesMax = 3;

/** A listener of the product, and what opens it. */
export interface Door {
  readonly name: string;
  readonly address: string;
  readonly methods: readonly DescMethod[];
  readonly credentials: () => Credentials;
  /** Undefined at enrolment. */
  readonly identity: Identity | undefined;
}

export interface Aimed {
  readonly targets: readonly Target[];
  close(): void;
}

export async function handlersAt(door: Door): Promise<Aimed> {
  const channel = openChannel(door.address, door.credentials());
  const { name, address, identity } = door;
  // Nobody else is elected for.
  const hiding =
    identity && name === 'members'
      ? hidingTarget(`hiding at ${name}`, address, identity, isRefused, patiently)
      : undefined;
  return {
    targets: [
      ...(hiding ? [hiding] : []),
      ...door.methods.map((method) => methodTarget(method, channel, door.name)),
      http2Target(door, await said(door.methods[0]!)),
    ],
    close: () => {
      hiding?.close();
      channel.close();
    },
  };
}

/** Called so seldom by anybody that the rate of a name allows no more. */
const rare: readonly string[] = ['Attend', 'Join', 'Renew', 'ReportOffline'];

function methodTarget(method: DescMethod, channel: Channel, door: string): Target {
  const random = new Random(7);
  const seeds = Array.from({ length: 12 }, () => sampleOf(method.input, random));
  return {
    name: `${method.name} at ${door}`,
    make: (chance) => mutated(seeds, chance),
    read: (input) => patiently(() => called(method, channel, Buffer.from(input))),
    // A stream that lasts is left, by us or in silence; nothing is known of it then but that it did not fail.
    refuses: (error) => isRefused(error) || (isLasting(method) && !(error instanceof Refused)),
    ...SMALL,
    share: rare.includes(method.name) ? 0.1 : 1,
    msMax: answerMs,
  };
}

/** Neither our own failure, nor silence, nor a process that ended. */
const isRefused = (error: unknown): boolean => error instanceof Refused && error.reason !== Reason.INTERNAL;

const isLasting = (method: DescMethod): boolean => streamsRequests(method) || streamsResponses(method);

/** Whoever is turned away for asking too often was not heard: once more, after the wait. */
async function patiently(call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!isTurnedAway(error)) throw error;
    await waitAsTold(error);
    await call();
  }
}

const same = (bytes: Buffer): Buffer => bytes;

/** Ends when the call does. @throws Refused, Unreachable */
async function called(method: DescMethod, channel: Channel, input: Buffer): Promise<void> {
  const raw = new grpc.Client(channel.address, grpc.credentials.createInsecure(), {
    channelOverride: channel.raw,
  });
  const options = { deadline: Date.now() + (isLasting(method) ? callMs : answerMs) };
  const metadata = new grpc.Metadata();
  const all = [pathOf(method), same, same] as const;
  if (streamsRequests(method)) {
    const call = raw.makeBidiStreamRequest(...all, metadata, options);
    const pieces = Math.min(messagesMax, 1 + ((input[0] ?? 0) % messagesMax));
    const size = Math.ceil(input.length / pieces);
    call.write(input);
    for (let at = 0; at < input.length; at += size) call.write(input.subarray(at, at + size));
    call.end();
    return ended(call);
  }
  if (streamsResponses(method)) {
    const call = raw.makeServerStreamRequest(...all, input, metadata, options);
    // A watch lasts; its first answer is all that is wanted.
    call.once('data', () => call.cancel());
    return ended(call);
  }
  return new Promise((resolve, reject) => {
    raw.makeUnaryRequest(...all, input, metadata, options, (error) =>
      error ? reject(fromStatus(error)) : resolve(),
    );
  });
}

async function ended(call: grpc.ClientReadableStream<Buffer>): Promise<void> {
  // Not by `once`, which throws an error event as it is: the status says what the product's clients hear.
  const status = await new Promise<grpc.StatusObject>((resolve) => {
    call
      .on('data', () => undefined)
      .on('error', () => undefined)
      .once('status', resolve);
  });
  if (status.code !== grpc.status.OK) throw fromStatus(Object.assign(new Error(status.details), status));
}

/** What a real client says on a connection, as bytes. */
async function said(method: DescMethod): Promise<Uint8Array> {
  const written: Buffer[] = [];
  const wire = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _encoding, done) => {
      written.push(bytes);
      done();
    },
  });
  const session = connectHttp2('http://glimpse', { createConnection: () => wire });
  session.on('error', () => undefined);
  const headers = { 'content-type': 'application/grpc', te: 'trailers' };
  const request = session.request({ ':method': 'POST', ':path': pathOf(method), ...headers });
  request.on('error', () => undefined);
  await new Promise<void>((resolve) => request.end(Buffer.from([0, 0, 0, 0, 0]), () => resolve()));
  await new Promise<void>((resolve) => setImmediate(resolve));
  session.destroy();
  return Buffer.concat(written);
}

/** Frames that are almost right. Whatever the listener does with them, it ends the connection or is left. */
function http2Target({ name, address, identity }: Door, honest: Uint8Array): Target {
  const own: SecureContextOptions = identity
    ? {
        cert: pem('CERTIFICATE', identity.certificate),
        key: identity.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      }
    : {};
  const options = { ...parseAddress(address)!, ...own, rejectUnauthorized: false, ALPNProtocols: ['h2'] };
  return {
    name: `http2 at ${name}`,
    make: (random) => mutated([honest], random),
    read: async (input) => {
      const socket = connectTls({ ...options, servername: 'glimpse' }).on('error', () => undefined);
      const closed = once(socket, 'close');
      socket.once('secureConnect', () => socket.end(input));
      socket.resume();
      await closed;
    },
    refuses: () => true,
    ...SMALL,
    share: 0.2,
    msMax: 20_000,
  };
}
