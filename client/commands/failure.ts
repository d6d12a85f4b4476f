/**
 * How a command that fails says so: what happened, what to do next, and an exit code for scripts, which
 * docs/protocol.md, "Errors", has for every reason. One shape, whichever process it happened in.
 */
import { FormatError } from '../../core/format-error.js';
import type { ExitCode } from '../../core/rpc/errors.js';
import { EXIT, Refused, Unreachable, exitCodeOf } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { NotJoined } from '../engine.js';

export interface Failure {
  /** A word for programs: a Reason, or one of those below. */
  readonly reason: string;
  /** What happened, for people. */
  readonly message: string;
  /** What to do next, for people; empty if the message says it all. */
  readonly next: string;
  readonly exit: ExitCode;
}

/** The command was not given what it needs. */
export class Usage extends Error {
  override readonly name = 'Usage';
}

/** A command cannot be performed as things stand on this computer. */
export class Cannot extends Error {
  override readonly name = 'Cannot';
  readonly reason: string;
  readonly next: string;

  constructor(reason: string, message: string, next: string) {
    super(message);
    this.reason = reason;
    this.next = next;
  }
}

/** What to do next where a reason allows advice of its own. */
const advice: Partial<Record<Reason, string>> = {
  [Reason.KEY_REPLACED]:
    'if you did not recover this name on another computer, talk to whoever runs the cloud',
  [Reason.BAD_JOIN_CODE]: 'copy the whole code, or ask whoever runs the cloud for another',
  [Reason.JOIN_CODE_EXPIRED]: 'ask whoever runs the cloud for another: glimpse-server invite',
  [Reason.JOIN_CODE_USED_UP]: 'ask whoever runs the cloud for another: glimpse-server invite',
  [Reason.NAME_TAKEN]:
    'choose another name, or, if it is yours: glimpse join CODE --name NAME --recover RECOVERY',
  [Reason.BAD_RECOVERY_CODE]: 'use the recovery code that joining printed',
  [Reason.UNKNOWN_PEER]: 'see who is there: glimpse peers',
  [Reason.UNKNOWN_PHOTO]: 'list the gallery again: glimpse gallery PEER',
  [Reason.UNKNOWN_GRANT]: 'see what there is: glimpse inbox, glimpse shared',
  [Reason.UNKNOWN_REQUEST]: 'see what waits: glimpse requests',
  [Reason.VIEWS_SPENT]: 'ask the owner for more views',
  [Reason.REVOKED]: 'ask the owner',
  [Reason.EXPIRED]: 'ask the owner for more time',
  [Reason.VIEW_ID_STALE]: "set this computer's clock, then repeat the command: nothing was spent",
  [Reason.NOT_YOURS]: 'ask its owner to share it with you',
  [Reason.CARRIER_SUPERSEDED]: 'ask for the photo again: glimpse request PEER PHOTO',
  [Reason.BAD_SIGNATURE]: 'ask the owner, and whoever runs the cloud',
  [Reason.VERSION_CONFLICT]: 'repeat the command',
  [Reason.WRONG_CLOUD]: 'use the home that joined that cloud: GLIMPSE_HOME',
  [Reason.BAD_TICKET]: 'repeat the command',
  [Reason.TICKET_STALE]: 'repeat the command',
  [Reason.DRAINING]: 'repeat the command',
  [Reason.TRY_LATER]: 'repeat the command in a minute',
  [Reason.STORE_UNAVAILABLE]: 'repeat the command; if it stays so, tell whoever runs the cloud',
  [Reason.BAD_COVER]: 'give --cover preview, drawn, dunes, dusk, waves, or another picture file',
  [Reason.ATTENDED_ELSEWHERE]: 'end the other client of this name, or join with another name there',
  [Reason.NOT_ADMITTED]: 'wait until the owner lets you in, then repeat the command',
  [Reason.APPROVAL_PENDING]: 'the picture comes by itself once the owner approves, if glimpse up runs',
  [Reason.REFUSED_BY_OWNER]: 'talk to the owner',
  [Reason.BAD_PHOTO]: 'ask the owner to look after it, or choose another',
  [Reason.BAD_CARRIER]: 'repeat the command',
  [Reason.KEY_CHANGED]: 'compare safety numbers before you trust the new key: glimpse verify PEER',
  [Reason.SENDER_LIMIT]: 'the receiver has to look at, or forget, what came before',
  [Reason.PREPAID_UNIMPLEMENTED]: 'use the mode strict',
  [Reason.CLOCK_SET_BACK]: 'set the clock right, or run glimpse up with the cloud in reach',
  [Reason.NO_LEADER]: 'repeat the command',
  [Reason.CLOUD_UNREACHABLE]: 'repeat the command when the cloud is back',
};

const forbidden = { what: 'you may not use it', next: 'change its permissions, or use another folder' };

/** Where the system refused something, mostly a file that was named: what is the matter with it, and what to do next. */
const ofSystem: Readonly<Record<string, { readonly what: string; readonly next: string }>> = {
  ENOENT: { what: 'there is no such file, or no such folder', next: 'check the path' },
  ENOTDIR: { what: 'a part of the path is no folder', next: 'check the path' },
  EISDIR: { what: 'it is a folder', next: 'give the path of a file, not of a folder' },
  EACCES: forbidden,
  EPERM: forbidden,
  EROFS: { what: 'its disk cannot be written to', next: 'use a folder that can be written to' },
  ENOSPC: { what: 'its disk is full', next: 'make room on the disk, then repeat the command' },
};

/** What to do next where a command knows better, by the reason of its failure. */
export type Advice = Readonly<Record<string, string>>;

export function failureOf(error: unknown, better: Advice = {}): Failure {
  const failed = failureAsSuch(error);
  return { ...failed, next: better[failed.reason] ?? failed.next };
}

function failureAsSuch(error: unknown): Failure {
  const exit = exitCodeOf(error);
  if (error instanceof Refused) {
    return failure(Reason[error.reason], error.message, advice[error.reason] ?? '', exit);
  }
  if (error instanceof Unreachable) {
    return failure('UNREACHABLE', error.message, 'repeat the command when the other side is back', exit);
  }
  if (error instanceof FormatError) return formatFailure(error);
  if (error instanceof Usage)
    return failure('USAGE', error.message, 'see the command with --help', EXIT.usage);
  if (error instanceof Cannot) return failure(error.reason, error.message, error.next, exit);
  if (error instanceof NotJoined) return failure('NOT_JOINED', error.message, '', exit);
  if (!(error instanceof Error)) return failure('INTERNAL', String(error), '', exit);
  const code = codeOf(error);
  const known = ofSystem[code];
  const { path } = error as { readonly path?: unknown };
  const message = known && typeof path === 'string' ? `${path}: ${known.what}.` : error.message;
  return failure(code, message, known?.next ?? '', exit);
}

/** A code with a slip in it is a bad code; anything else came from a file or a peer. */
function formatFailure({ layer, message }: FormatError): Failure {
  if (layer === 'join-code') return failureOf(new Refused(Reason.BAD_JOIN_CODE, message));
  if (layer === 'recovery-code') return failureOf(new Refused(Reason.BAD_RECOVERY_CODE, message));
  return failure('DAMAGED', message, 'ask the owner for it again', EXIT.failed);
}

/** A refusal of the system (ENOSPC, EACCES) or of the vault names itself. */
function codeOf(error: Error): string {
  const { code, problem } = error as { readonly code?: unknown; readonly problem?: unknown };
  if (typeof problem === 'string') return `VAULT_${problem.replaceAll('-', '_').toUpperCase()}`;
  return typeof code === 'string' ? code : 'INTERNAL';
}

function failure(reason: string, message: string, next: string, exit: ExitCode): Failure {
  return { reason, message, next, exit };
}
