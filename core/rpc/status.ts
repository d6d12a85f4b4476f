/**
 * Refusals as gRPC statuses with google.rpc details, and back. docs/protocol.md, "Errors".
 * The trailer `grpc-status-details-bin` is that of the rich error model: https://grpc.io/docs/guides/error/.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack, anyUnpack, durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.js';
import type { RetryInfo } from '../../gen/google/rpc/error_details_pb.js';
import { StatusSchema } from '../../gen/google/rpc/status_pb.js';
import type { Status } from '../../gen/google/rpc/status_pb.js';
import { REFUSALS, Refused, Unreachable } from './errors.js';
import type { Refusal } from './errors.js';
import { RPC_LIMITS } from './limits.js';

const domain = 'glimpse';
const trailer = 'grpc-status-details-bin';
/** Trailers are HTTP/2 headers: some proxies and peers refuse more than 8 KiB of them. */
const messageLengthMax = 1024;

interface StatusWithDetails {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

export function toStatus(refused: Refused): StatusWithDetails {
  const code = REFUSALS[refused.reason].status;
  const message = refused.message.slice(0, messageLengthMax);
  const info = create(ErrorInfoSchema, {
    reason: Reason[refused.reason],
    domain,
    metadata: refused.metadata,
  });
  const details = [anyPack(ErrorInfoSchema, info)];
  if (refused.violations.length > 0) {
    const fieldViolations = refused.violations.map(({ field, description }) => ({ field, description }));
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (refused.retryAfterMs !== undefined) {
    const retryDelay = durationFromMs(refused.retryAfterMs);
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  const metadata = new Metadata();
  metadata.set(
    trailer,
    Buffer.from(toBinary(StatusSchema, create(StatusSchema, { code, message, details }))),
  );
  return { code, details: message, metadata };
}

/**
 * What a failed call means to its caller. A status without our details was made by the transport, or by a
 * server that is not ours: then nothing is known about the call.
 */
export function fromStatus(error: ServiceError): Refused | Unreachable {
  const refused = refusedIn(error.metadata);
  if (refused) return refused;
  const said = error.details === '' ? 'no reason given' : error.details;
  if (error.code === status.UNIMPLEMENTED) {
    return new Refused(Reason.INTERNAL, `The other side does not know this call (${said}): update it.`);
  }
  if (error.code === status.RESOURCE_EXHAUSTED) {
    return new Refused(Reason.LIMIT_EXCEEDED, `A message is too large (${said}).`);
  }
  if (error.code === status.DEADLINE_EXCEEDED) return new Unreachable('No answer in time.', { cause: error });
  return new Unreachable(`No answer: ${said}.`, { cause: error });
}

function refusedIn(metadata: Metadata): Refused | undefined {
  const bytes = metadata.get(trailer)[0];
  if (!Buffer.isBuffer(bytes)) return undefined;
  try {
    return refusedOf(fromBinary(StatusSchema, bytes));
  } catch {
    return undefined; // malformed details are no details
  }
}

function refusedOf({ message, details }: Status): Refused | undefined {
  const found = details.map((any) => anyUnpack(any, ErrorInfoSchema)).find((info) => info?.domain === domain);
  if (!found) return undefined;
  const violations = details.map((any) => anyUnpack(any, BadRequestSchema)?.fieldViolations ?? []).flat();
  const retryAfterMs = details.map((any) => waitIn(anyUnpack(any, RetryInfoSchema))).find(isTold);
  return new Refused(reasonNamed(found.reason), message, { ...found.metadata }, { violations, retryAfterMs });
}

/** Whoever tells it is not trusted to keep a caller waiting for ever. */
function waitIn(told: RetryInfo | undefined): number | undefined {
  if (!told?.retryDelay) return undefined;
  return Math.min(Math.max(0, durationMs(told.retryDelay)), RPC_LIMITS.retryAfterMsMax);
}

const isTold = (waitMs: number | undefined): waitMs is number => waitMs !== undefined;

/** A reason that this version does not know is one of the other side's failures. */
function reasonNamed(name: string): Refusal {
  const reason = Object.entries(Reason).find(([key]) => key === name)?.[1];
  return typeof reason === 'number' && reason !== Reason.UNSPECIFIED ? reason : Reason.INTERNAL;
}
