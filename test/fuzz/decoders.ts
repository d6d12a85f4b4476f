/** Everything that decodes bytes or text of other people's, from the vectors of the formats. docs/format.md. */
import { createHash, createHmac } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { create } from '@bufbuild/protobuf';
import type { DescMessage } from '@bufbuild/protobuf';
import { Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { parseAddress } from '../../core/address.js';
import { encodeBase32 } from '../../core/base32.js';
import { readCarrier } from '../../core/carrier/read.js';
import { bytesSource } from '../../core/carrier/source.js';
import { FormatError } from '../../core/format-error.js';
import type { Layer } from '../../core/format-error.js';
import { checkKeyBundle, makeKeyBundle } from '../../core/identity/keys.js';
import { decodeJoinCode } from '../../core/identity/join-code.js';
import { recoveryDigest } from '../../core/identity/recovery-code.js';
import { LIMITS } from '../../core/limits.js';
import { readMessage } from '../../core/message.js';
import { openCapsule } from '../../core/rights/capsule.js';
import { proveLog } from '../../core/rights/log.js';
import { verifyRights } from '../../core/rights/signed.js';
import { Refused } from '../../core/rpc/errors.js';
import { decode } from '../../core/rpc/messages.js';
import { fromStatus } from '../../core/rpc/status.js';
import { ticketKey } from '../../core/seal/keys.js';
import { openPhoto } from '../../core/seal/photo.js';
import { open } from '../../core/seal/seal.js';
import { LogEntrySchema } from '../../gen/glimpse/v1/discovery_pb.js';
import { PassRequestSchema, SignedTicketSchema, TicketSchema } from '../../gen/glimpse/v1/election_pb.js';
import { JoinCodeSchema } from '../../gen/glimpse/v1/enrolment_pb.js';
import {
  CapsuleSchema,
  KeyBundleSchema,
  PhotoHeaderSchema,
  RightsSchema,
  SignedRightsSchema,
} from '../../gen/glimpse/v1/rights_pb.js';
import { StatusSchema } from '../../gen/google/rpc/status_pb.js';
import { begin, step } from '../../server/election/ring/step.js';
import type { Event, Message, State } from '../../server/election/ring/state.js';
import { Random } from '../../server/election/simulator/random.js';
import { checkTicket } from '../../server/election/tickets.js';
import { collect, inChunks } from '../core/streams.js';
import { owner, privateKey } from '../core/rights/samples.js';
import { vectorsOf } from '../core/vectors.js';
import type { Vector } from '../core/vectors.js';
import { mutated } from './mutate.js';
import { pictureTargets } from './pictures.js';
import { sampleOf } from './samples.js';
import { SMALL } from './target.js';
import type { Target } from './target.js';
import { vaultTargets } from './vaults.js';

const isFormat = (error: unknown): boolean => error instanceof FormatError;
const isRefused = (error: unknown): boolean => error instanceof Refused;

const bodiesOf = (format: string): Uint8Array[] => vectorsOf(format).map(({ body }) => body);
const fixed = new Random(1);
const samplesOf = (schema: DescMessage): Uint8Array[] =>
  Array.from({ length: 12 }, () => sampleOf(schema, fixed));

/** From seeds, by mutation. */
function target(
  name: string,
  seeds: readonly Uint8Array[],
  read: Target['read'],
  more: Partial<Target> = {},
): Target {
  return {
    name,
    make: (random) => mutated(seeds, random),
    read,
    refuses: isFormat,
    ...SMALL,
    ...more,
  };
}

/** A message inside a format: vectors' bytes, if there are any, and filled ones. */
function message(layer: Layer, schema: DescMessage, seeds: readonly Uint8Array[] = []): Target {
  return target(`${layer} message`, [...seeds, ...samplesOf(schema)], (input) =>
    readMessage(schema, input, { layer, bytesMax: LIMITS.rightsBytesMax }),
  );
}

/** Half of them with checksums that are right again, so that what is behind the checksums is reached. */
const checked = (seeds: readonly Uint8Array[], mend: (bytes: Buffer) => Buffer) => (random: Random) => {
  const input = mutated(seeds, random);
  return random.chance(0.5) ? mend(input) : input;
};

function withChunksChecked(png: Buffer): Buffer {
  const mended = Buffer.from(png);
  for (let at = 8; at + 12 <= mended.length;) {
    const end = at + 8 + mended.readUInt32BE(at);
    if (end + 4 > mended.length) break;
    mended.writeUInt32BE(crc32(mended.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return mended;
}

const [capsuleVector, sealVector, photoVector] = ['capsule-first', 'seal-two-segments', 'photo-short'].map(
  (name) => vectorsOf(name.split('-')[0]!).find((vector) => vector.name === name)!,
) as [Vector, Vector, Vector];
const agreement = privateKey('x25519', capsuleVector.bytes('viewer-private-key'));
const ownerKeys = makeKeyBundle(owner);

const carriers = bodiesOf('carrier');

const formats: readonly Target[] = [
  target(
    'carrier',
    carriers,
    async (input) => {
      const carrier = await readCarrier(bytesSource(input));
      const { shape } = carrier;
      await collect(carrier.payload(Math.min(2_014, 3 * shape.width * shape.height)));
    },
    // A picture that another program saved is decoded whole, up to the largest carrier: six bytes a pixel, twice.
    {
      share: 20,
      make: checked(carriers, withChunksChecked),
      bytesMax: 13 * LIMITS.carrierPixelsMax,
      msMax: 20_000,
    },
  ),
  target('slot', bodiesOf('capsule'), (input) => openCapsule(input, agreement), { share: 20 }),
  target(
    'rights',
    bodiesOf('rights'),
    (input) => verifyRights(decode(SignedRightsSchema, input), ownerKeys),
    { refuses: either, share: 20 },
  ),
  target(
    'seal',
    bodiesOf('seal'),
    (input) => collect(open(sealVector.bytes('key'), inChunks(input, 1_000), 'cloud-lock')),
    { share: 20 },
  ),
  target(
    'photo',
    bodiesOf('photo'),
    async (input) => {
      const key = photoVector.bytes('file-key');
      const photo = await openPhoto(key, photoVector.bytes('image-id'), inChunks(input, 100));
      await collect(photo.bytes);
    },
    { share: 20 },
  ),
  message('capsule', CapsuleSchema, [capsuleVector.bytes('capsule')]),
  message(
    'rights',
    RightsSchema,
    vectorsOf('rights').map(({ body }) => body.subarray(3)),
  ),
  message('photo', PhotoHeaderSchema, [photoVector.bytes('header')]),
  message('join-code', JoinCodeSchema),
  target('log', samplesOf(LogEntrySchema), (input) => {
    const cut = Math.floor(input.length / 2);
    proveLog([input, input.subarray(0, cut), input.subarray(cut)], new Uint8Array(32));
  }),
  target('keys', samplesOf(KeyBundleSchema), (input) => checkKeyBundle(decode(KeyBundleSchema, input)), {
    refuses: either,
  }),
];

function either(error: unknown): boolean {
  return isFormat(error) || isRefused(error);
}

/** With its checksum right half of the time. */
function joinCode(random: Random): Uint8Array {
  const bytes = mutated(joinCodes, random);
  const sum = createHash('sha256').update(bytes).digest().subarray(0, 4);
  const text = Buffer.from(`glimpse1-${encodeBase32(Buffer.concat([bytes, sum]))}`);
  return random.chance(0.5) ? text : mutated([text], random);
}
const joinCodes = samplesOf(JoinCodeSchema);

const words = [
  'glimpse1-aaaa',
  '127.0.0.1:4000',
  '[2001:db8::1]:1',
  'aaaa-bbbb-cccc-dddd-eeee-ffff-gggg-hhhh',
];
const texts = words.map((word) => Buffer.from(word));

const secret = new Uint8Array(32).fill(7);
const tickets = samplesOf(TicketSchema);
const use = {
  secrets: new Map([[1, secret]]),
  leader: 's1',
  ownerFingerprint: new Uint8Array(32),
  sealedBytes: 1_000,
  nowMs: 1_700_000_000_000,
};

/** With a MAC that is right, or none at all. */
function readTicket(input: Uint8Array): void {
  const mac = createHmac('sha256', ticketKey(secret)).update('glimpse/v1 ticket').update(input).digest();
  checkTicket(create(SignedTicketSchema, { ticket: input, mac }), use);
  checkTicket(create(SignedTicketSchema, { ticket: input, mac: input }), use);
}

const reading = { backgroundCores: 0, cores: 2, speed: 1, cpu: 0 };
const ring = ringOfThree();

function ringOfThree(): State {
  const born = (id: string): State =>
    begin({ id, address: '127.0.0.1:1', incarnation: 1, atMs: 1_000, reading, seed: 1 });
  const [a, b, c] = ['a', 'b', 'c'].map(born) as [State, State, State];
  const happenings: readonly Event[] = [
    { type: 'learned', members: [...b.members, ...c.members], atMs: 1_001 },
    { type: 'up', id: 'b', members: b.members, epoch: b.promised, atMs: 1_002 },
    { type: 'up', id: 'c', members: c.members, epoch: c.promised, atMs: 1_003 },
    { type: 'elect', requestId: secret, ownerFingerprint: secret, sealedBytes: 1_000, atMs: 1_004 },
  ];
  return happenings.reduce((state, event) => step(state, event)[0], a);
}

/** What another member sends, and what the ring makes of it then and a while later. */
function readToken(input: Uint8Array): void {
  const { message: said } = decode(PassRequestSchema, input);
  const [after] = step(ring, { type: 'message', from: 'b', message: said as Message, atMs: 1_010 });
  step(after, { type: 'tick', atMs: 3_000 });
}

function readStatus(input: Uint8Array): void {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(input));
  const error: ServiceError = Object.assign(new Error('x'), {
    code: status.UNAVAILABLE,
    details: 'x',
    metadata,
  });
  fromStatus(error);
}

const edges: readonly Target[] = [
  target('join-code', texts, (input) => decodeJoinCode(Buffer.from(input).toString()), { make: joinCode }),
  target('recovery-code', texts, (input) => recoveryDigest(Buffer.from(input).toString())),
  target('address', texts, (input) => parseAddress(Buffer.from(input).toString())),
  target('ticket', tickets, readTicket),
  target('token', samplesOf(PassRequestSchema), readToken, { refuses: isRefused }),
  target('status', samplesOf(StatusSchema), readStatus),
];

/** All of them. */
export const decoders: readonly Target[] = [...formats, ...edges, ...pictureTargets, ...vaultTargets];
