/**
 * Refusals and how they travel: one table from every Reason to its gRPC status and to the exit code of the
 * client. docs/protocol.md, "Errors", is the same table for people.
 */
// Not the whole of grpc-js: commands that `up` performs need none of it, and start faster.
import { Status as status } from '@grpc/grpc-js/build/src/constants.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Violation } from '../violations.js';

/** Exit codes of the commands; 0 is success and never in the table. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  noView: 3,
  unknown: 4,
  unreachable: 5,
  refused: 6,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface Row {
  readonly status: status;
  readonly exit: ExitCode;
}

const row = (code: status, exit: ExitCode): Row => ({ status: code, exit });

/** Exhaustive by its type: a new Reason does not compile until it has a row. */
export const REFUSALS: Readonly<Record<Exclude<Reason, Reason.UNSPECIFIED>, Row>> = {
  [Reason.INVALID_REQUEST]: row(status.INVALID_ARGUMENT, EXIT.usage),
  [Reason.WRONG_ROLE]: row(status.PERMISSION_DENIED, EXIT.refused),
  [Reason.KEY_REPLACED]: row(status.UNAUTHENTICATED, EXIT.refused),
  [Reason.ATTENDED_ELSEWHERE]: row(status.ABORTED, EXIT.refused),

  [Reason.BAD_JOIN_CODE]: row(status.PERMISSION_DENIED, EXIT.refused),
  [Reason.JOIN_CODE_EXPIRED]: row(status.PERMISSION_DENIED, EXIT.refused),
  [Reason.JOIN_CODE_USED_UP]: row(status.PERMISSION_DENIED, EXIT.refused),
  [Reason.NAME_TAKEN]: row(status.ALREADY_EXISTS, EXIT.refused),
  [Reason.BAD_RECOVERY_CODE]: row(status.PERMISSION_DENIED, EXIT.refused),

  [Reason.UNKNOWN_PEER]: row(status.NOT_FOUND, EXIT.unknown),
  [Reason.UNKNOWN_PHOTO]: row(status.NOT_FOUND, EXIT.unknown),
  [Reason.UNKNOWN_GRANT]: row(status.NOT_FOUND, EXIT.unknown),
  [Reason.UNKNOWN_REQUEST]: row(status.NOT_FOUND, EXIT.unknown),

  [Reason.VIEWS_SPENT]: row(status.FAILED_PRECONDITION, EXIT.noView),
  [Reason.REVOKED]: row(status.FAILED_PRECONDITION, EXIT.noView),
  [Reason.EXPIRED]: row(status.FAILED_PRECONDITION, EXIT.noView),
  [Reason.VIEW_ID_STALE]: row(status.FAILED_PRECONDITION, EXIT.failed),
  [Reason.PREPAID_UNIMPLEMENTED]: row(status.UNIMPLEMENTED, EXIT.refused),
  [Reason.NOT_YOURS]: row(status.PERMISSION_DENIED, EXIT.refused),
  [Reason.CARRIER_SUPERSEDED]: row(status.FAILED_PRECONDITION, EXIT.failed),
  [Reason.UNKNOWN_VIEW]: row(status.NOT_FOUND, EXIT.unknown),
  [Reason.CLOCK_SET_BACK]: row(status.FAILED_PRECONDITION, EXIT.failed),

  [Reason.BAD_SIGNATURE]: row(status.INVALID_ARGUMENT, EXIT.refused),
  [Reason.VERSION_CONFLICT]: row(status.ABORTED, EXIT.failed),
  [Reason.RIGHTS_CHANGED_IDENTITY]: row(status.FAILED_PRECONDITION, EXIT.refused),
  [Reason.GRANT_EXISTS]: row(status.ALREADY_EXISTS, EXIT.refused),
  [Reason.WRONG_CLOUD]: row(status.INVALID_ARGUMENT, EXIT.refused),

  [Reason.BAD_TICKET]: row(status.PERMISSION_DENIED, EXIT.refused),
  [Reason.DRAINING]: row(status.UNAVAILABLE, EXIT.unreachable),
  [Reason.NO_LEADER]: row(status.UNAVAILABLE, EXIT.unreachable),
  [Reason.BAD_COVER]: row(status.INVALID_ARGUMENT, EXIT.failed),
  [Reason.BAD_STREAM]: row(status.INVALID_ARGUMENT, EXIT.failed),
  [Reason.LIMIT_EXCEEDED]: row(status.RESOURCE_EXHAUSTED, EXIT.failed),
  [Reason.STORE_UNAVAILABLE]: row(status.UNAVAILABLE, EXIT.unreachable),
  [Reason.TICKET_STALE]: row(status.UNAVAILABLE, EXIT.unreachable),
  [Reason.TRY_LATER]: row(status.RESOURCE_EXHAUSTED, EXIT.unreachable),

  [Reason.NOT_ADMITTED]: row(status.PERMISSION_DENIED, EXIT.refused),
  [Reason.APPROVAL_PENDING]: row(status.PERMISSION_DENIED, EXIT.refused),
  [Reason.KEY_CHANGED]: row(status.UNAUTHENTICATED, EXIT.refused),
  [Reason.BAD_PHOTO]: row(status.FAILED_PRECONDITION, EXIT.failed),
  [Reason.BAD_CARRIER]: row(status.INVALID_ARGUMENT, EXIT.failed),
  [Reason.REFUSED_BY_OWNER]: row(status.PERMISSION_DENIED, EXIT.refused),
  [Reason.SENDER_LIMIT]: row(status.RESOURCE_EXHAUSTED, EXIT.refused),
  [Reason.CLOUD_UNREACHABLE]: row(status.UNAVAILABLE, EXIT.unreachable),
  [Reason.INTERNAL]: row(status.INTERNAL, EXIT.failed),
};

/** A reason that may be given. */
export type Refusal = keyof typeof REFUSALS;

/** What else a refusal tells programs. */
export interface RefusalDetails {
  /** The fields that break a contract. */
  readonly violations?: readonly Violation[];
  /** How long the caller should wait before it asks again; absent if that would not help. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * An expected refusal, the same on both sides of a call. The message is for people: what happened and what to
 * do next. `metadata` are the facts that proto/glimpse/v1/error.proto lists with the reason.
 */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly reason: Refusal;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: Refusal,
    message: string,
    metadata: Readonly<Record<string, string>> = {},
    { violations = [], retryAfterMs }: RefusalDetails = {},
  ) {
    super(message);
    this.reason = reason;
    this.metadata = metadata;
    this.violations = violations;
    this.retryAfterMs = retryAfterMs;
  }
}

/** TRY_LATER: nothing was done for want of room, or because the caller asks too often; `limit` is which and how much. */
export function tryLater(
  message: string,
  [limit, value]: readonly [name: string, value: number],
  retryAfterMs: number,
): Refused {
  return new Refused(Reason.TRY_LATER, message, { limit, value: String(value) }, { retryAfterMs });
}

/** No answer: nothing is known about what the other side did. Ask again, or another, where that is safe. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** The exit code of a command that ended in this error. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Refused) return REFUSALS[error.reason].exit;
  return error instanceof Unreachable ? EXIT.unreachable : EXIT.failed;
}
