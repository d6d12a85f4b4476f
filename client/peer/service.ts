/**
 * The Peer service of a client that is up: check, decide (rules/admission.ts), call, map. The caller is known by the
 * key of its certificate. docs/protocol.md, "Peers".
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { FormatError } from '../../core/format-error.js';
import type { Caller } from '../../core/identity/role.js';
import { readRights } from '../../core/rights/signed.js';
import { Refused, Unreachable, tryLater } from '../../core/rpc/errors.js';
import type { Handlers } from '../../core/rpc/method.js';
import { allInTime, inTime, takenInTime } from '../../core/rpc/patience.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type {
  BrowseResponseSchema,
  DeliverRequest,
  DeliverResponseSchema,
  Peer,
  RequestPhotoRequest,
  RequestPhotoResponseSchema,
} from '../../gen/glimpse/v1/peer_pb.js';
import { CloudUnreachable } from '../cloud/failover.js';
import { VaultError } from '../vault/failures.js';
import type { Contact, Given } from '../vault/records.js';
import type { Gallery } from '../gallery/gallery.js';
import { checkTaken } from './deliveries.js';
import type { Deliveries } from './deliveries.js';
import type { Grants, Terms } from './grants.js';
import type { HeldRights } from './held.js';
import { PEER_LIMITS } from './limits.js';
import type { People } from './people.js';
import { reporting } from './progress.js';
import { beginReceiving, checkParcel, isTaken, receive } from './receive.js';
import { decideBrowse, decideDelivery, decideRequest, viewsGranted } from './rules/admission.js';
import type { Workings } from './workings.js';

/** What the owner offers while she is up. */
export interface Offer {
  readonly gallery: Gallery;
  /** Terms of an automatic grant. */
  readonly terms: () => Terms;
  /** `up --open`. */
  readonly open: boolean;
}

export interface PeerParts {
  readonly workings: Workings;
  readonly people: People;
  readonly grants: Grants;
  readonly deliveries: Deliveries;
  readonly heldRights: HeldRights;
  readonly offer: Offer;
}

type GalleryPart = MessageInitShape<typeof BrowseResponseSchema>;
type Answer = MessageInitShape<typeof RequestPhotoResponseSchema>;
type DeliverAnswer = MessageInitShape<typeof DeliverResponseSchema>;

export function peerService(parts: PeerParts): Handlers<typeof Peer> {
  const { workings, people, heldRights } = parts;
  const incoming = new Map<string, number>();
  return {
    browse: (_request, { caller, signal }) => takenSoon(browse(caller, signal, parts)),

    requestPhoto: (requests, { caller }) => takenSoon(photoFor(caller, saidSoon(requests), parts)),

    async *deliver(requests, { caller }) {
      const said = allInTime(saidSoon(requests), PEER_LIMITS.incomingMs, slow);
      const first = await said.next();
      if (first.done === true || first.value.message.case !== 'parcel') throw badStream();
      const contact = await people.behind(clientOf(caller));
      const end = oneMore(incoming, contact.name);
      try {
        yield* taking(contact, first.value.message.value, said, parts);
      } finally {
        end();
      }
    },

    async updateRights({ signedRights }, { caller }) {
      const contact = await people.behind(clientOf(caller));
      const { grantId, version } = heldRights.take(signedRights!, contact.keys);
      workings.acknowledge({ grantId, version });
      workings.later(heldRights.encapsulate(grantId));
      return { version };
    },
  };
}

async function* browse(
  caller: Caller,
  signal: AbortSignal,
  parts: PeerParts,
): AsyncGenerator<GalleryPart, void, undefined> {
  const { workings, people, offer } = parts;
  const contact = await people.behind(clientOf(caller));
  if (decideBrowse({ policy: contact.policy, open: offer.open }) === 'knock')
    throw knocked(contact, workings);
  workings.tell(`${contact.name} looks at the gallery`);
  yield* offer.gallery.list(signal);
}

async function* photoFor(
  caller: Caller,
  said: AsyncGenerator<RequestPhotoRequest>,
  parts: PeerParts,
): AsyncGenerator<Answer, void, undefined> {
  const ask = await nextAsk(said);
  const contact = await parts.people.behind(clientOf(caller));
  await admit(contact, ask, parts);
  const given = yield* giving(contact, ask, parts);
  yield* deliverBack(given, said, parts.deliveries);
}

const { peerSilentMs } = PEER_LIMITS;

function saidSoon<Said>(requests: AsyncIterable<Said>): AsyncGenerator<Said, void, undefined> {
  return inTime(requests, peerSilentMs, slow);
}

function takenSoon<Part>(answers: AsyncGenerator<Part, void, undefined>): AsyncIterable<Part> {
  return takenInTime(answers, peerSilentMs, slow);
}

/** To what receives, the end of a stream and no refusal: what came of a delivery is kept, to be resumed. */
class TooSlow extends Unreachable {}

const slow = (): TooSlow => new TooSlow('The peer was too slow: it may begin again.');

/**
 * What bytes from a peer break is the peer's fault, not ours; that there is no cloud or no room here is nobody's, and
 * room is made by whoever is told.
 */
export function asRefused(error: unknown, tell: (line: string) => void): Refused | undefined {
  if (error instanceof FormatError) return new Refused(Reason.INVALID_REQUEST, error.message);
  if (error instanceof TooSlow) return new Refused(Reason.BAD_STREAM, error.message);
  if (error instanceof VaultError && error.problem === 'full') {
    tell(error.message);
    const what = 'The disk of the other side is full: nothing was taken, ask its owner to make room.';
    return tryLater(what, ['free bytes', 0], PEER_LIMITS.fullPauseMs);
  }
  if (error instanceof CloudUnreachable) {
    tell(error.message);
    const what =
      'The other side cannot reach the cloud now, and without it can neither hide a photo nor give rights.';
    return new Refused(Reason.CLOUD_UNREACHABLE, what);
  }
  return undefined;
}

function clientOf(caller: Caller): Exclude<Caller, { role: 'anonymous' }> {
  if (caller.role === 'client') return caller;
  throw new Refused(Reason.WRONG_ROLE, 'Peers are clients.');
}

function knocked({ name, fingerprint }: Contact, { vault, edge, tell }: Workings): Refused {
  const recorded = vault.requests.record({ kind: 'knock', peer: { name, fingerprint } }, edge.clock());
  if (recorded.type === 'refused')
    return new Refused(Reason.REFUSED_BY_OWNER, 'The owner does not let you in.');
  if (recorded.type === 'recorded')
    tell(`${name} knocks (${recorded.request.id}): glimpse allow ${name} request`);
  return new Refused(
    Reason.NOT_ADMITTED,
    'You are not let in yet: the owner was told, ask again once she allows it.',
  );
}

interface Ask {
  readonly imageId: Uint8Array;
  readonly views: number;
}

async function nextAsk(said: AsyncIterator<RequestPhotoRequest>): Promise<Ask> {
  const first = await said.next();
  if (first.done === true || first.value.message.case !== 'ask') throw badStream();
  return first.value.message.value;
}

/** Whether this contact may have the photo now. @throws Refused */
async function admit(contact: Contact, { imageId, views }: Ask, parts: PeerParts): Promise<void> {
  const { workings, offer } = parts;
  const { vault, edge, tell } = workings;
  const given = vault.given.find(contact.fingerprint, imageId);
  const rights = given?.pending ?? given?.current;
  const decision = decideRequest({
    door: { policy: contact.policy, open: offer.open },
    grant: rights && { revoked: readRights(rights).revoked },
  });
  if (decision === 'knock') throw knocked(contact, workings);
  if (decision === 'revoked')
    throw new Refused(Reason.REVOKED, 'The owner revoked your rights to this photo.');
  if (decision === 'deliver') return;
  const photo = await offer.gallery.findImage(imageId);
  if (decision === 'grant') return;
  const { name, fingerprint } = contact;
  const ask = { kind: 'photo', peer: { name, fingerprint }, imageId, photo: photo.name, views } as const;
  const recorded = vault.requests.record(ask, edge.clock());
  if (recorded.type === 'refused')
    throw new Refused(Reason.REFUSED_BY_OWNER, 'The owner refused this request.');
  if (recorded.type === 'recorded') {
    tell(`${name} asks for ${photo.name} (${recorded.request.id}): glimpse approve ${recorded.request.id}`);
  }
  throw new Refused(Reason.APPROVAL_PENDING, 'The owner was asked: the photo comes once she approves.');
}

async function* giving(
  viewer: Contact,
  { imageId, views }: Ask,
  { grants, offer }: PeerParts,
): AsyncGenerator<Answer, Given> {
  const { gallery } = offer;
  const standard = offer.terms();
  const terms = { ...standard, views: viewsGranted(views, standard.views) };
  const gift = { viewer, imageId, gallery, photo: () => gallery.findImage(imageId), terms, asked: true };
  const steps = reporting((progress) => grants.give(gift, progress));
  for (;;) {
    const step = await steps.next();
    if (step.done === true) return step.value;
    yield { message: { case: 'progress', value: step.value } };
  }
}

/** Delivers on the request's own stream; what does not arrive waits in the outbox. */
async function* deliverBack(
  given: Given,
  said: AsyncIterator<RequestPhotoRequest>,
  deliveries: Deliveries,
): AsyncGenerator<Answer> {
  const end = deliveries.begin(given);
  let delivered = false;
  try {
    const parcel = await deliveries.open(given);
    try {
      yield { message: { case: 'parcel', value: parcel.parcel } };
      let reply = await said.next();
      if (reply.done !== true && reply.value.message.case === 'ready') {
        for await (const piece of parcel.pieces(reply.value.message.value.offset)) {
          yield { message: { case: 'carrier', value: piece } };
        }
        reply = await said.next();
      }
      if (reply.done === true || reply.value.message.case !== 'taken') throw badStream();
      checkTaken(reply.value.message.value.snapshot, parcel.snapshot);
      delivered = true;
      deliveries.delivered(given, parcel);
    } finally {
      await parcel.close();
    }
  } finally {
    end();
    if (!delivered && given.delivery !== 'delivered') deliveries.waits(given, 'waiting');
  }
}

type Parcel = Extract<DeliverRequest['message'], { case: 'parcel' }>['value'];

async function* taking(
  contact: Contact,
  parcel: Parcel,
  said: AsyncIterator<DeliverRequest>,
  { workings }: PeerParts,
): AsyncGenerator<DeliverAnswer> {
  const checked = checkParcel(parcel, contact, workings);
  const { vault, tell } = workings;
  const held = vault.held.get(parcel.grantId);
  const taken = { message: { case: 'taken', value: { snapshot: parcel.snapshot } } } as const;
  if (isTaken(held, parcel)) {
    yield taken;
    return;
  }
  const decision = decideDelivery({
    policy: contact.policy,
    expected: held?.picture !== undefined,
    unasked: vault.held.unasked(contact.fingerprint),
    carrierBytes: parcel.carrierBytes,
    limits: PEER_LIMITS,
  });
  if (decision === 'not-admitted')
    throw new Refused(Reason.NOT_ADMITTED, 'This client takes nothing from you.');
  if (decision === 'too-much') {
    throw new Refused(
      Reason.SENDER_LIMIT,
      'As much of yours as may waits here unopened: ask its viewer to look.',
    );
  }
  const staged = await beginReceiving(checked, workings);
  try {
    // A stream that breaks just here returns at the yield.
    yield { message: { case: 'ready', value: { offset: staged.offset } } };
    const received = await receive(checked, staged, carrierPieces(said), false, workings);
    tell(`${contact.name}${contact.verified ? '' : ' (unverified)'} sent ${received.picture!.file}`);
  } finally {
    await staged.close();
  }
  yield taken;
}

/** The pieces of a delivery. To leave it early does not end the stream, so that it can still be answered. */
async function* carrierPieces(said: AsyncIterator<DeliverRequest>): AsyncGenerator<Uint8Array> {
  for (let next = await said.next(); next.done !== true; next = await said.next()) {
    if (next.value.message.case !== 'carrier') throw badStream();
    yield next.value.message.value;
  }
}

function oneMore(incoming: Map<string, number>, name: string): () => void {
  const all = [...incoming.values()].reduce((sum, count) => sum + count, 0);
  const now = incoming.get(name) ?? 0;
  if (now >= PEER_LIMITS.incomingPerPeerMax || all >= PEER_LIMITS.incomingMax) {
    throw new Refused(Reason.SENDER_LIMIT, 'As many deliveries as may are coming in just now: try again.');
  }
  incoming.set(name, now + 1);
  return () => {
    const left = (incoming.get(name) ?? 1) - 1;
    if (left === 0) incoming.delete(name);
    else incoming.set(name, left);
  };
}

const badStream = (): Refused =>
  new Refused(Reason.BAD_STREAM, 'The stream does not follow the contract: update glimpse.');
