/** A leader that hides in this process, its neighbours reduced to what a hiding asks of them. */
import { availableParallelism } from 'node:os';
import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { BandWorkers } from '../../../server/stego/bands.js';
import { Covers } from '../../../server/stego/cover.js';
import type { Admission, HidingParts } from '../../../server/stego/hide.js';
import { SignedTicketSchema } from '../../../gen/glimpse/v1/election_pb.js';
import { Compression, HideRequestSchema } from '../../../gen/glimpse/v1/stego_pb.js';
import type { HideRequest } from '../../../gen/glimpse/v1/stego_pb.js';
import { patterned } from '../../core/streams.js';

export const secret = patterned(32, 40);
export const owner = patterned(32, 41);
export const imageId = patterned(16, 42);

/** An election that admits everyone, and knows what is in flight. */
export class OpenAdmission implements Admission {
  begun = 0;
  inFlight = 0;
  readonly #ended: (() => void)[] = [];

  begin(): { end(): void } {
    this.begun += 1;
    this.inFlight += 1;
    return {
      end: () => {
        this.inFlight -= 1;
        for (const tell of this.#ended.splice(0)) tell();
      },
    };
  }

  /** When the next work ends. */
  ending(): Promise<void> {
    return new Promise((resolve) => this.#ended.push(resolve));
  }
}

export interface Leader extends HidingParts {
  readonly admission: OpenAdmission;
}

/** Of all leaders in this process. To be closed after the last test. */
export const bands = new BandWorkers({ threads: Math.min(2, availableParallelism()) });

export function makeLeader(): Leader {
  return {
    id: 's1',
    admission: new OpenAdmission(),
    covers: new Covers(),
    bands,
    secrets: new Map([[1, secret]]),
    latestSecretId: 1,
    randomBytes,
  };
}

export interface Sending {
  readonly cover: Uint8Array;
  readonly sealed: Uint8Array;
  readonly compression?: Compression;
}

export type Part = Exclude<HideRequest['part'], { case: undefined }>;

export function headerPart({ cover, sealed, compression = Compression.UNSPECIFIED }: Sending): Part {
  const header = create(HideRequestSchema, {
    part: {
      case: 'header',
      value: {
        ticket: create(SignedTicketSchema, { ticket: Uint8Array.of(1), mac: new Uint8Array(32) }),
        imageId,
        coverBytes: cover.length,
        sealedBytes: sealed.length,
        compression,
      },
    },
  });
  return header.part as Part;
}

export async function* requestsOf(parts: Iterable<Part>): AsyncGenerator<HideRequest, void, undefined> {
  for (const part of parts) yield create(HideRequestSchema, { part });
}

/** What an owner's client sends. */
export function* partsOf(sending: Sending, pieceBytes = 65_536): Generator<Part, void, undefined> {
  yield headerPart(sending);
  for (const which of ['cover', 'sealed'] as const) {
    const bytes = sending[which];
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      yield { case: which, value: bytes.subarray(at, at + pieceBytes) };
    }
  }
}
