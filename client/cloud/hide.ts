/**
 * Having a sealed payload hidden: elect, stream to the leader that was elected, take the carrier. When the leader
 * fails, another is elected and the work is done again; hiding spends nothing. docs/protocol.md, "Hiding".
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import pRetry from 'p-retry';
import { RPC_LIMITS } from '../../core/rpc/limits.js';
import { inPieces } from '../../core/rpc/pieces.js';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import type { ElectResponse } from '../../gen/glimpse/v1/election_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { HideDone, HideRequestSchema, HideResponse } from '../../gen/glimpse/v1/stego_pb.js';
import type { Cloud } from './cloud.js';
import { isPassing } from './failover.js';
import { Idle } from './idle.js';
import { CLOUD_LIMITS } from './limits.js';
import type { ServerClients } from './servers.js';
import { isTurnedAway, waitAsTold } from './waiting.js';

export interface Hiding {
  /** Names the request, and is the same for all its attempts. */
  readonly requestId: Uint8Array;
  readonly imageId: Uint8Array;
  readonly sealedBytes: number;
  /** The sealed payload, from its beginning each time. */
  readonly sealed: () => AsyncIterable<Uint8Array>;
  readonly cover: Uint8Array;
}

/** Where an attempt's carrier goes: opened empty for each attempt. Ends with `keep` or `discard`. */
export interface CarrierSink<Kept> {
  /** False when it takes no more. */
  write(piece: Uint8Array): Promise<boolean>;
  /** Durable and complete on return. */
  keep(hidden: Hidden): Promise<Kept>;
  discard(): Promise<void>;
}

export interface HidingProgress {
  (step: 'electing' | 'hiding' | 'registering', leader: string, fraction: number): void;
}

export interface Hidden {
  readonly leader: string;
  readonly done: HideDone;
}

/** The leader's own faults: another may do better. Anything else would be refused again. */
const leadersFault: ReadonlySet<Reason> = new Set([
  Reason.BAD_TICKET,
  Reason.TICKET_STALE,
  Reason.BAD_STREAM,
]);

/**
 * @param begin opens the place for one attempt's carrier
 * @throws Refused BAD_COVER; what the last leader failed with, when none finished within the bounded attempts
 */
export async function hide<Kept>(
  cloud: Cloud,
  servers: (address: string) => ServerClients,
  hiding: Hiding,
  begin: () => Promise<CarrierSink<Kept>>,
  progress: HidingProgress,
  signal?: AbortSignal,
): Promise<Kept> {
  const attempt = async (): Promise<Kept> => {
    progress('electing', '', 0);
    const elected = await elect(cloud, hiding, signal);
    progress('hiding', elected.leader, 0);
    const sink = await begin();
    try {
      const done = await hideAt(servers(elected.leaderAddress), elected, hiding, sink, progress, signal);
      return await sink.keep({ leader: elected.leader, done });
    } catch (error) {
      await sink.discard();
      throw error;
    }
  };
  const begunMs = performance.now();
  const mayWait = (): boolean => performance.now() - begunMs < CLOUD_LIMITS.hideRoomMs;
  return pRetry(attempt, {
    onFailedAttempt: ({ error }) => waitAsTold(error, signal),
    shouldConsumeRetry: ({ error }) => !isTurnedAway(error) || !mayWait(),
    retries: CLOUD_LIMITS.hideAttempts - 1,
    minTimeout: CLOUD_LIMITS.pauseMsMin / 3,
    maxTimeout: CLOUD_LIMITS.pauseMsMax,
    randomize: true,
    shouldRetry: ({ error }) =>
      isPassing(error) || (error instanceof Refused && leadersFault.has(error.reason)),
    signal,
  });
}

function elect(cloud: Cloud, hiding: Hiding, signal: AbortSignal | undefined): Promise<ElectResponse> {
  const { requestId, sealedBytes } = hiding;
  return cloud.call((at, each) => at.election.elect({ requestId, sealedBytes }, each), {
    attemptMs: CLOUD_LIMITS.electMs,
    signal,
  });
}

/** One attempt at one leader, given up when nothing moves in either direction. */
async function hideAt(
  leader: ServerClients,
  elected: ElectResponse,
  hiding: Hiding,
  sink: Pick<CarrierSink<unknown>, 'write'>,
  progress: HidingProgress,
  signal: AbortSignal | undefined,
): Promise<HideDone> {
  const wholeMs = CLOUD_LIMITS.hideMsMin + (1_000 * hiding.sealedBytes) / CLOUD_LIMITS.hideBytesPerSecondMin;
  const idle = new Idle(CLOUD_LIMITS.hideIdleMs, `${elected.leader} stopped while it was hiding`, signal);
  try {
    const parts = leader.stego.hide(idle.watching(requests(elected, hiding)), {
      deadlineMs: Math.round(wholeMs),
      signal: idle.signal,
    });
    return await take(idle.watching(parts), hiding, sink, (fraction) =>
      progress('hiding', elected.leader, fraction),
    );
  } finally {
    idle.stop();
  }
}

type Part = MessageInitShape<typeof HideRequestSchema>;

async function* requests(elected: ElectResponse, hiding: Hiding): AsyncGenerator<Part> {
  const { imageId, sealedBytes, cover } = hiding;
  const header = { ticket: elected.ticket!, imageId, coverBytes: cover.length, sealedBytes };
  yield { part: { case: 'header', value: header } };
  for (let at = 0; at < cover.length; at += RPC_LIMITS.pieceBytes) {
    yield { part: { case: 'cover', value: cover.subarray(at, at + RPC_LIMITS.pieceBytes) } };
  }
  for await (const piece of inPieces(hiding.sealed())) yield { part: { case: 'sealed', value: piece } };
}

/**
 * Writes the carrier as it comes, and reads to the end: a stream that is left is reset, and of a connection on which
 * that happens too often (nghttp2: 33 a second) the other side thinks it is an attack, and ends it. The leader is not
 * trusted with lengths or order.
 */
async function take(
  parts: AsyncIterable<HideResponse>,
  hiding: Hiding,
  sink: Pick<CarrierSink<unknown>, 'write'>,
  progress: (fraction: number) => void,
): Promise<HideDone> {
  let carrierBytes = 0;
  let done: HideDone | undefined;
  // A stored carrier is twice the payload and a little; what compresses is shorter.
  const carrierBytesMax = 3 * hiding.sealedBytes + 16 * 1024 * 1024;
  for await (const { part } of parts) {
    if (done) break;
    if (part.case === 'carrier') {
      carrierBytes += part.value.length;
      if (carrierBytes > carrierBytesMax || !(await sink.write(part.value))) break;
      progress(Math.min(0.99, carrierBytes / (2 * hiding.sealedBytes)));
    } else if (part.case === 'done') {
      if (part.value.carrierBytes !== carrierBytes) break;
      done = part.value;
    }
  }
  if (!done) throw new Unreachable('The leader ended its stream before the carrier was whole.');
  progress(1);
  return done;
}
