/**
 * The Attend stream: Hello, Attended, then whatever there is to tell, until either side ends it. One message is
 * made at a time and only when the stream can take it, so a slow client holds no memory here.
 * docs/protocol.md, "Discovery".
 */
import { setTimeout } from 'node:timers/promises';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Refused } from '../../core/rpc/errors.js';
import type { AttendRequest, AttendResponseSchema, Hello } from '../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Standing } from './directory.js';
import { DISCOVERY_LIMITS } from './limits.js';
import type { Mail, Mailbox } from './mailbox.js';
import type { Notice, Session } from './session.js';
import type { Sessions } from './sessions.js';

type Response = MessageInitShape<typeof AttendResponseSchema>;

export interface AttendanceOptions {
  readonly sessions: Sessions;
  readonly mailbox: Mailbox;
  readonly server: string;
  /** Addresses of all servers, host:port. */
  readonly servers: () => readonly string[];
  readonly now: () => Date;
}

/** Attends until the client or the server ends it. @throws Refused with the reason why the server did */
export async function* attend(
  { sessions, mailbox, server, servers, now }: AttendanceOptions,
  standing: Standing,
  requests: AsyncIterable<AttendRequest>,
  signal: AbortSignal,
): AsyncGenerator<Response> {
  const incoming = requests[Symbol.asyncIterator]();
  const { address } = await hello(incoming);
  const session = await sessions.begin(standing, address);
  const mail = mailbox.open(standing.fingerprint, () => session.stir());
  void listen(session, mail, incoming, signal);
  try {
    const attended = {
      sessionId: session.id,
      now: timestampFromDate(now()),
      servers: [...servers()],
      server,
    };
    yield { message: { case: 'attended', value: attended } };
    yield* tell(session, mail, signal);
  } finally {
    mail.close();
    session.end();
  }
}

async function hello(incoming: AsyncIterator<AttendRequest>): Promise<Hello> {
  const waiting = new AbortController();
  const expired = setTimeout(DISCOVERY_LIMITS.helloMs, undefined, { signal: waiting.signal });
  try {
    const first = await Promise.race([incoming.next(), expired]);
    if (first && !first.done && first.value.message.case === 'hello') return first.value.message.value;
    throw new Refused(Reason.BAD_STREAM, 'an Attend stream begins with Hello, within a few seconds');
  } finally {
    expired.catch(() => undefined);
    waiting.abort();
  }
}

async function* tell(session: Session, mail: Mail, signal: AbortSignal): AsyncGenerator<Response> {
  const over = AbortSignal.any([signal, session.ended]);
  while (!over.aborted) {
    const notice = session.take();
    if (notice) {
      yield { message: asMessage(notice) };
      if (notice.type === 'goodbye') return;
      continue;
    }
    const update = await mail.next();
    if (update) yield { message: { case: 'update', value: update } };
    else await session.stirred(over);
  }
  if (session.why) throw session.why;
}

function asMessage(notice: Notice): NonNullable<Response['message']> {
  if (notice.type === 'goodbye') return { case: 'goodbye', value: {} };
  return { case: 'probe', value: { sequence: notice.sequence } };
}

/** Takes what the client says, one message after the other; its end is the end of the presence. */
async function listen(
  session: Session,
  mail: Mail,
  incoming: AsyncIterator<AttendRequest>,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (let next = await incoming.next(); !next.done; next = await incoming.next()) {
      await heed(session, mail, next.value);
    }
    session.end();
  } catch (error) {
    session.end(error instanceof Error && !signal.aborted ? error : undefined);
  }
}

async function heed(session: Session, mail: Mail, { message }: AttendRequest): Promise<void> {
  switch (message.case) {
    case 'taken':
      return mail.taken(message.value.grantId, message.value.version);
    case 'answer':
      session.answered(message.value.sequence);
      return;
    default:
      throw new Refused(Reason.BAD_STREAM, 'Hello is said once, at the beginning of an Attend stream');
  }
}
