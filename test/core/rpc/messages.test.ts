import { create, toBinary } from '@bufbuild/protobuf';
import test from 'ava';
import fc from 'fast-check';
import {
  AttendRequestSchema,
  GrantSide,
  ListGrantsRequestSchema,
  LookUpRequestSchema,
} from '../../../gen/glimpse/v1/discovery_pb.js';
import { ReadGrantsRequestSchema } from '../../../gen/glimpse/v1/discovery_pb.js';
import { JoinRequestSchema } from '../../../gen/glimpse/v1/enrolment_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { RightsSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import { HideHeaderSchema } from '../../../gen/glimpse/v1/stego_pb.js';
import { Refused } from '../../../core/rpc/errors.js';
import { decode } from '../../../core/rpc/messages.js';
import { violationsOf } from '../../../core/violations.js';

/** Each kind of rule in proto/buf/validate is obeyed: a message that breaks it, and the fields that are named. */
const broken = [
  ['string: min_len and pattern', LookUpRequestSchema, {}, ['name', 'name']],
  ['string: max_len', LookUpRequestSchema, { name: 'a'.repeat(33) }, ['name']],
  ['string: pattern', LookUpRequestSchema, { name: 'a/b' }, ['name']],
  ['oneof: required', AttendRequestSchema, {}, ['message']],
  [
    'bytes: len',
    AttendRequestSchema,
    { message: { case: 'taken', value: { grantId: new Uint8Array(15), version: 1 } } },
    ['taken.grant_id'],
  ],
  [
    'uint32: gte',
    AttendRequestSchema,
    { message: { case: 'taken', value: { grantId: new Uint8Array(16) } } },
    ['taken.version'],
  ],
  ['bytes: max_len', ListGrantsRequestSchema, { side: 1, after: new Uint8Array(17) }, ['after']],
  ['enum: not_in', ListGrantsRequestSchema, {}, ['side']],
  ['enum: defined_only', ListGrantsRequestSchema, { side: 77 }, ['side']],
  ['repeated: min_items', ReadGrantsRequestSchema, {}, ['grant_ids']],
  [
    'repeated: items',
    ReadGrantsRequestSchema,
    { grantIds: [new Uint8Array(16), new Uint8Array(1)] },
    ['grant_ids[1]'],
  ],
  [
    'repeated: max_items',
    ReadGrantsRequestSchema,
    { grantIds: Array.from({ length: 257 }, () => new Uint8Array(16)) },
    ['grant_ids'],
  ],
  [
    'message: required',
    JoinRequestSchema,
    {
      secret: new Uint8Array(16),
      name: 'a',
      certificateRequest: new Uint8Array(1),
      recoveryDigest: new Uint8Array(32),
    },
    ['keys'],
  ],
  [
    'uint32: lte',
    HideHeaderSchema,
    {
      ticket: { ticket: new Uint8Array(1), mac: new Uint8Array(32) },
      imageId: new Uint8Array(16),
      coverBytes: 2 ** 31,
      sealedBytes: 1,
    },
    ['cover_bytes'],
  ],
] as const;

for (const [rule, schema, init, fields] of broken) {
  test(rule, (t) => {
    const bytes = toBinary(schema, create(schema, init as never));
    const error = t.throws(() => decode(schema, bytes), { instanceOf: Refused });
    t.is(error.reason, Reason.INVALID_REQUEST);
    t.deepEqual(
      error.violations.map(({ field }) => field),
      fields,
    );
  });
}

test('names are what the contract says, no more and no less', (t) => {
  const letter = fc.constantFrom(...'abz019._-AZ/#é \n'.split(''));
  fc.assert(
    fc.property(fc.string({ unit: letter, maxLength: 34 }), (name) => {
      const valid =
        /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(name) && !name.includes('\n') && name.length <= 32;
      t.is(violationsOf(LookUpRequestSchema, create(LookUpRequestSchema, { name })).length === 0, valid);
    }),
    { numRuns: 500 },
  );
});

test('any bytes are a message or refused, never anything else', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(JoinRequestSchema, RightsSchema, AttendRequestSchema),
      (bytes, schema) => {
        try {
          t.deepEqual(violationsOf(schema, decode(schema, bytes)), []);
        } catch (error) {
          t.true(error instanceof Refused && error.reason === Reason.INVALID_REQUEST, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('bytes fields are plain arrays of bytes, whatever buffer they came in', (t) => {
  const init = { side: GrantSide.OWNER, after: new Uint8Array(4) };
  const bytes = Buffer.from(toBinary(ListGrantsRequestSchema, create(ListGrantsRequestSchema, init)));
  t.is(decode(ListGrantsRequestSchema, bytes).after.constructor, Uint8Array);
});
