/** Asking a peer: for the gallery, and for a photo, which comes back on the same stream. docs/protocol.md, "Peers". */
import pRetry from 'p-retry';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type {
  BrowseResponse,
  Parcel,
  RequestPhotoRequestSchema,
  RequestPhotoResponse,
} from '../../gen/glimpse/v1/peer_pb.js';
import { Idle } from '../cloud/idle.js';
import { Outgoing } from '../cloud/outgoing.js';
import type { Contact, Held } from '../vault/records.js';
import { dial } from './dial.js';
import { PEER_LIMITS } from './limits.js';
import type { Known, People } from './people.js';
import type { Step } from './progress.js';
import { beginReceiving, checkParcel, isTaken, receive } from './receive.js';
import type { Workings } from './workings.js';

/** The parts of a peer's gallery as they come. @throws Refused NOT_ADMITTED, BAD_STREAM; Away; Unreachable */
export async function* browse(
  workings: Workings,
  known: Known,
  signal?: AbortSignal,
): AsyncGenerator<BrowseResponse['part']> {
  const dialled = dial(workings, known);
  const idle = new Idle(PEER_LIMITS.ownerSilentMs, `${known.contact.name} stopped answering.`, signal);
  let [parts, allBytes] = [0, 0];
  try {
    for await (const { part } of idle.watching(dialled.peer.browse({}, { signal: idle.signal }))) {
      // A line, a thumbnail and a notice for each photo are all that an honest gallery has.
      parts += 1;
      const bytes = part.case === 'thumbnail' ? part.value.picture.length : 0;
      allBytes += bytes;
      if (
        parts > 3 * PEER_LIMITS.galleryLinesMax ||
        allBytes > PEER_LIMITS.galleryBytesMax ||
        bytes > PEER_LIMITS.thumbnailBytesMax
      ) {
        throw new Refused(
          Reason.LIMIT_EXCEEDED,
          `The gallery of ${known.contact.name} is larger than is taken in.`,
        );
      }
      yield part;
    }
    dialled.keep();
  } catch (error) {
    throw dialled.inWords(error);
  } finally {
    idle.stop();
    dialled.close();
  }
}

export interface PhotoAsk {
  readonly imageId: Uint8Array;
  /** 0: as many as the owner gives. */
  readonly views: number;
}

/**
 * Asks and receives; durable and acknowledged on return. A connection that breaks is taken up again where it
 * stopped: asking again adds nothing.
 * @throws Refused NOT_ADMITTED, APPROVAL_PENDING, REVOKED, UNKNOWN_PHOTO, BAD_CARRIER…; Away; Unreachable
 */
export async function requestPhoto(
  workings: Workings,
  people: People,
  owner: string,
  ask: PhotoAsk,
  progress: (step: Step) => void,
): Promise<{ readonly held: Held; readonly contact: Contact }> {
  const attempt = async () => {
    const known = await people.find(owner);
    return { held: await requestOnce(workings, known, ask, progress), contact: known.contact };
  };
  return pRetry(attempt, {
    retries: workings.periods.attempts - 1,
    minTimeout: workings.periods.pauseMs,
    randomize: true,
    // Who is said to be offline too may only be moving from a server that stops: it is looked up again.
    shouldRetry: ({ error }) => error instanceof Unreachable,
  });
}

type Said = MessageInitShape<typeof RequestPhotoRequestSchema>;

async function requestOnce(
  workings: Workings,
  known: Known,
  ask: PhotoAsk,
  progress: (step: Step) => void,
): Promise<Held> {
  const { name } = known.contact;
  const dialled = dial(workings, known);
  const idle = new Idle(PEER_LIMITS.ownerSilentMs, `${name} stopped answering: ask again.`);
  const said = new Outgoing<Said>();
  said.push({ message: { case: 'ask', value: { imageId: ask.imageId, views: ask.views } } });
  try {
    const heard = idle.watching(dialled.peer.requestPhoto(said, { signal: idle.signal }));
    const parcel = await parcelAfter(heard, progress, name);
    const held = await take(parcel, ask, known.contact, heard, said, workings, progress);
    said.push({ message: { case: 'taken', value: { snapshot: parcel.snapshot } } });
    said.end();
    // The picture is durable: whether the owner heard so is hers to find out.
    await heard.next().then(
      () => dialled.keep(),
      () => undefined,
    );
    return held;
  } catch (error) {
    throw dialled.inWords(error);
  } finally {
    idle.stop();
    said.end();
    dialled.close();
  }
}

type Heard = AsyncGenerator<RequestPhotoResponse>;

async function parcelAfter(heard: Heard, progress: (step: Step) => void, name: string): Promise<Parcel> {
  for (let next = await heard.next(); next.done !== true; next = await heard.next()) {
    const { message } = next.value;
    if (message.case === 'parcel') return message.value;
    if (message.case !== 'progress') break;
    progress(message.value);
  }
  throw new Refused(Reason.BAD_STREAM, `${name} did not answer as the contract has it: nothing was taken.`);
}

async function take(
  parcel: Parcel,
  ask: PhotoAsk,
  owner: Contact,
  heard: Heard,
  said: Outgoing<Said>,
  workings: Workings,
  progress: (step: Step) => void,
): Promise<Held> {
  const checked = checkParcel(parcel, owner, workings);
  if (Buffer.compare(checked.rights.imageId, ask.imageId) !== 0) {
    throw new Refused(
      Reason.BAD_CARRIER,
      `${owner.name} sends another photo than was asked for: nothing was taken.`,
    );
  }
  const held = workings.vault.held.get(parcel.grantId);
  if (held && isTaken(held, parcel)) return held;
  const incoming = await beginReceiving(checked, workings);
  said.push({ message: { case: 'ready', value: { offset: incoming.offset } } });
  const report = (): void =>
    progress({ step: 'delivering', leader: parcel.leader, fraction: incoming.size / parcel.carrierBytes });
  return receive(checked, incoming, pieces(heard, report), true, workings);
}

async function* pieces(heard: Heard, report: () => void): AsyncGenerator<Uint8Array> {
  for (let next = await heard.next(); next.done !== true; next = await heard.next()) {
    const { message } = next.value;
    if (message.case !== 'carrier')
      throw new Refused(Reason.BAD_STREAM, 'The delivery was mixed up: ask again.');
    yield message.value;
    report();
  }
}
