/**
 * Presence: one stream to one server, opened again at another, jittered, when it breaks or says Goodbye.
 * docs/protocol.md, "Discovery". Rights updates are acknowledged only after the handler has made them durable.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import type { AttendRequestSchema, AttendResponse, RightsUpdate } from '../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Cloud } from './cloud.js';
import { CLOUD_LIMITS } from './limits.js';
import { Outgoing } from './outgoing.js';
import { failuresAfter, pauseMs } from './rules/attending.js';
import type { ServerClients } from './servers.js';

/** A version of rights that is durable here. */
export interface Taken {
  readonly grantId: Uint8Array;
  readonly version: number;
}

export interface Attending {
  readonly name: string;
  /** Where this client's Peer service listens, host:port; empty if it cannot be dialled. */
  readonly address: string;
  /** Makes an update durable. What it returns is acknowledged; undefined (a bad update) is not. */
  take(update: RightsUpdate): Promise<Taken | undefined>;
  /** Present at `server`; the server's clock then, ms. `taken` acknowledges rights that came another way. */
  attended(server: string, nowMs: number, taken: (update: Taken) => void): void;
  /** Not present any more, and why. Another attempt follows. */
  away(cause: unknown): void;
}

const final: ReadonlySet<Reason> = new Set([
  Reason.ATTENDED_ELSEWHERE,
  Reason.KEY_REPLACED,
  Reason.WRONG_ROLE,
]);

export interface AttendEdge {
  readonly clock: () => number;
  readonly random: () => number;
  /** Ends early, without throwing, when `signal` is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Attends until `signal`, whatever servers do.
 * @throws Refused ATTENDED_ELSEWHERE (another client took the name's presence: two must not fight over it),
 * KEY_REPLACED, WRONG_ROLE: no server would say otherwise
 */
export async function attend(
  cloud: Cloud,
  servers: (address: string) => ServerClients,
  attending: Attending,
  signal: AbortSignal,
  edge: AttendEdge,
): Promise<void> {
  const over = (): boolean => signal.aborted;
  for (let failures = 0; !over();) {
    const address = cloud.servers[0];
    let presentSinceMs: number | undefined;
    const present = (): void => void (presentSinceMs = edge.clock());
    let cause: unknown;
    try {
      if (address === undefined) throw new Unreachable('no server is known: join again');
      await attendAt(servers(address), cloud, attending, signal, present);
    } catch (error) {
      cause = error;
    }
    if (over()) return;
    if (cause instanceof Refused && final.has(cause.reason) && !(await isOwnEcho(cause, cloud, attending)))
      throw cause;
    attending.away(cause);
    if (address !== undefined) cloud.demote(address);
    failures = failuresAfter(failures, edge.clock() - (presentSinceMs ?? edge.clock()));
    if (failures > cloud.servers.length) cloud.suspect();
    await edge.sleep(pauseMs(failures, edge.random()), signal);
  }
}

/**
 * An attempt that was given up, at a server that was stopped, may come through later and take the presence over: it
 * is this client's own, told by its address, and gone soon.
 */
async function isOwnEcho({ reason }: Refused, cloud: Cloud, { name, address }: Attending): Promise<boolean> {
  if (reason !== Reason.ATTENDED_ELSEWHERE || address === '') return false;
  try {
    const entry = await cloud.lookUp(name);
    return !entry.online || entry.address === address;
  } catch (error) {
    if (error instanceof Unreachable) return true;
    if (error instanceof Refused) return false;
    throw error;
  }
}

type Said = MessageInitShape<typeof AttendRequestSchema>;

/** Ends in good order when the server says Goodbye. @param present called when it lets this client in */
async function attendAt(
  server: ServerClients,
  cloud: Cloud,
  attending: Attending,
  signal: AbortSignal,
  present: () => void,
): Promise<void> {
  const said = new Outgoing<Said>();
  said.push({ message: { case: 'hello', value: { address: attending.address } } });
  const silent = new AbortController();
  const late = setTimeout(
    () => silent.abort(new Unreachable(`${server.address} does not answer`)),
    CLOUD_LIMITS.attemptMs,
  );
  try {
    const heard = server.discovery.attend(said, { signal: AbortSignal.any([signal, silent.signal]) });
    for await (const { message } of heard) {
      if (message.case === 'attended') {
        clearTimeout(late);
        present();
      }
      if (message.case === 'goodbye') return;
      await answer(message, said, cloud, attending);
    }
    throw new Unreachable(`${server.address} ended the stream`);
  } finally {
    clearTimeout(late);
    said.end();
  }
}

async function answer(
  message: AttendResponse['message'],
  said: Outgoing<Said>,
  cloud: Cloud,
  attending: Attending,
): Promise<void> {
  switch (message.case) {
    case 'attended':
      cloud.learn(message.value.servers);
      attending.attended(
        message.value.server,
        message.value.now ? timestampMs(message.value.now) : Number.NaN,
        (value) => said.push({ message: { case: 'taken', value } }),
      );
      return;
    case 'update': {
      const taken = await attending.take(message.value);
      if (taken) said.push({ message: { case: 'taken', value: taken } });
      return;
    }
    case 'probe':
      said.push({ message: { case: 'answer', value: { sequence: message.value.sequence } } });
      return;
    default:
  }
}
