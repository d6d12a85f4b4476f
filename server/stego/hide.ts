/**
 * Hide: locks a sealed photo a second time and hides it in a cover, at the elected leader, while it streams through.
 * Nothing of the photo, not even sealed, touches a disk or a log. docs/protocol.md, "Hiding".
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { shapeFor } from '../../core/carrier/layout/shape.js';
import type { Compression } from '../../core/carrier/layout/band.js';
import { writeCarrier } from '../../core/carrier/write.js';
import { LIMITS } from '../../core/limits.js';
import { inTime, takenInTime, within } from '../../core/rpc/patience.js';
import { inPieces } from '../../core/rpc/pieces.js';
import { cloudKey } from '../../core/seal/keys.js';
import { seal, sealedBytes } from '../../core/seal/seal.js';
import type { SignedTicket } from '../../gen/glimpse/v1/election_pb.js';
import { Compression as Asked } from '../../gen/glimpse/v1/stego_pb.js';
import type { HideHeader, HideRequest, HideResponseSchema } from '../../gen/glimpse/v1/stego_pb.js';
import type { BandWorkers } from './bands.js';
import type { Covers } from './cover.js';
import { badStream, Incoming } from './incoming.js';
import { STEGO_LIMITS } from './limits.js';
import { Room } from './room.js';

/** What the election has to do with a hiding. */
export interface Admission {
  /**
   * Takes a ticket, which is used up by that: its work is in flight until `end`.
   * @throws Refused BAD_TICKET, TICKET_STALE
   */
  begin(
    ticket: SignedTicket,
    asked: { readonly ownerFingerprint: Uint8Array; readonly sealedBytes: number },
  ): { end(): void };
}

/** What hiding needs. */
export interface HidingParts {
  /** This server's id. */
  readonly id: string;
  readonly admission: Admission;
  readonly covers: Pick<Covers, 'raster'>;
  readonly bands: Pick<BandWorkers, 'make'>;
  /** The cluster's, by their ids. */
  readonly secrets: ReadonlyMap<number, Uint8Array>;
  readonly latestSecretId: number;
  readonly randomBytes: (bytes: number) => Uint8Array;
}

type Response = MessageInitShape<typeof HideResponseSchema>;

export class Hiding {
  readonly #parts: HidingParts;
  readonly #room: Room;

  constructor(parts: HidingParts) {
    this.#parts = parts;
    this.#room = new Room(parts.id);
  }

  /** @throws Refused BAD_TICKET, TICKET_STALE, BAD_STREAM, BAD_COVER, TRY_LATER */
  hide(ownerFingerprint: Uint8Array, requests: AsyncIterable<HideRequest>): AsyncIterable<Response> {
    const late = () => badStream(`nothing moved for ${STEGO_LIMITS.idleMs / 1_000} s`);
    const incoming = new Incoming(inTime(requests, STEGO_LIMITS.idleMs, late));
    return takenInTime(this.#admitted(ownerFingerprint, incoming), STEGO_LIMITS.idleMs, late);
  }

  async *#admitted(
    ownerFingerprint: Uint8Array,
    incoming: Incoming,
  ): AsyncGenerator<Response, void, undefined> {
    const depart = this.#room.arrive();
    try {
      const late = () => badStream(`its header did not come in ${STEGO_LIMITS.headerMs / 1_000} s`);
      const header = await within(incoming.header(), STEGO_LIMITS.headerMs, late);
      yield* this.#placed(ownerFingerprint, header, incoming);
    } finally {
      depart();
    }
  }

  async *#placed(
    ownerFingerprint: Uint8Array,
    header: HideHeader,
    incoming: Incoming,
  ): AsyncGenerator<Response, void, undefined> {
    const { ticket, coverBytes, sealedBytes } = header;
    // Sent away here, the ticket is not used up. Whoever waits has used it: the ring counts what is to be done here.
    const place = this.#room.ask(coverBytes + sealedBytes);
    try {
      const work = this.#parts.admission.begin(ticket!, { ownerFingerprint, sealedBytes });
      try {
        await place.entered;
        yield* this.#hidden(ownerFingerprint, header, incoming);
      } finally {
        work.end();
      }
    } finally {
      place.leave();
    }
  }

  async *#hidden(
    ownerFingerprint: Uint8Array,
    header: HideHeader,
    incoming: Incoming,
  ): AsyncGenerator<Response, void, undefined> {
    const { id, covers, bands, latestSecretId, randomBytes } = this.#parts;
    const payloadBytes = sealedBytes(header.sealedBytes);
    const cover = await covers.raster(await incoming.cover(header), (proportions) =>
      shapeFor(payloadBytes, proportions),
    );
    yield { part: { case: 'begun', value: { leader: id, ...cover.shape } } };

    const sealId = randomBytes(32);
    const digest = createHash('sha256');
    const carrier = writeCarrier({
      shape: cover.shape,
      cover: cover.samples,
      slot: randomBytes(LIMITS.slotBytes),
      payload: digested(seal(this.#key(sealId, ownerFingerprint, header), incoming.sealed(header)), digest),
      payloadBytes,
      compression: compressionOf(header.compression),
      noise: randomBytes,
      makeBand: (task) => bands.make(task),
      bandsAhead: STEGO_LIMITS.bandsAhead,
    });
    let carrierBytes = 0;
    for await (const piece of inPieces(carrier)) {
      carrierBytes += piece.length;
      yield { part: { case: 'carrier', value: piece } };
    }
    const payloadDigest = digest.digest();
    const done = { sealId, secretId: latestSecretId, payloadDigest, payloadBytes, carrierBytes };
    yield { part: { case: 'done', value: done } };
  }

  #key(sealId: Uint8Array, ownerFingerprint: Uint8Array, { imageId }: HideHeader): Uint8Array {
    const secret = this.#parts.secrets.get(this.#parts.latestSecretId);
    if (secret === undefined) throw new Error('the latest secret of the cluster is missing');
    return cloudKey(secret, { sealId, ownerFingerprint, imageId });
  }
}

function compressionOf(asked: Asked): Compression {
  return asked === Asked.FAST ? 'fast' : 'small';
}

async function* digested(
  stream: AsyncIterable<Uint8Array>,
  digest: Hash,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of stream) {
    digest.update(chunk);
    yield chunk;
  }
}
