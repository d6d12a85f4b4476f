/** Hiding as an owner's client has it done: elected, over mutual TLS, by a server that is a process of its own. */
import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Workings } from '../../client/peer/workings.js';
import { RPC_LIMITS } from '../../core/rpc/limits.js';
import type { ElectResponse } from '../../gen/glimpse/v1/election_pb.js';
import { Compression } from '../../gen/glimpse/v1/stego_pb.js';
import type { HideRequestSchema } from '../../gen/glimpse/v1/stego_pb.js';
import type { Subject } from './core.js';

type Part = MessageInitShape<typeof HideRequestSchema>;

/** @returns the carrier's pieces @throws Error if the carrier is not as long as the leader says */
export async function hiddenByService(
  { cloud, servers }: Workings,
  subject: Subject,
  setting: 'fast' | 'small',
): Promise<readonly Uint8Array[]> {
  const requestId = Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
  const sealedBytes = subject.payload.length;
  const elected = await cloud.call((at, each) => at.election.elect({ requestId, sealedBytes }, each));
  const pieces: Uint8Array[] = [];
  for await (const { part } of servers(elected.leaderAddress).stego.hide(
    requests(elected, subject, setting),
  )) {
    if (part.case === 'carrier') pieces.push(part.value);
    if (part.case === 'done' && part.value.carrierBytes === lengthOf(pieces)) return pieces;
  }
  throw new Error('the carrier is not whole');
}

async function* requests(
  { ticket }: ElectResponse,
  { payload, coverFile }: Subject,
  setting: 'fast' | 'small',
): AsyncGenerator<Part> {
  const header = {
    ...(ticket && { ticket }),
    imageId: Buffer.alloc(16, 3),
    coverBytes: coverFile.length,
    sealedBytes: payload.length,
    compression: setting === 'fast' ? Compression.FAST : Compression.SMALL,
  };
  yield { part: { case: 'header', value: header } };
  for (const value of cut(coverFile)) yield { part: { case: 'cover', value } };
  for (const value of cut(payload)) yield { part: { case: 'sealed', value } };
}

function* cut(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += RPC_LIMITS.pieceBytes) {
    yield bytes.subarray(at, at + RPC_LIMITS.pieceBytes);
  }
}

export function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
