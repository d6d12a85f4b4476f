import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import test from 'ava';
import { FormatError } from '../../../core/format-error.js';
import { verifyLog } from '../../../core/rights/log.js';
import { signRights } from '../../../core/rights/signed.js';
import { LogEvent } from '../../../gen/glimpse/v1/discovery_pb.js';
import { UntakenRecordSchema } from '../../../gen/glimpse/v1/records_pb.js';
import { Mode, SignedRightsSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import { keys } from '../../../server/ledger/keys.js';
import { LEDGER_LIMITS } from '../../../server/ledger/limits.js';
import { rightsOf, stranger } from '../../core/rights/samples.js';
import {
  alice,
  bob,
  bytes16,
  grantId,
  hex,
  inPlace,
  ledgerAt,
  mallory,
  opened,
  reasonOf,
  refusalOf,
  signed,
  wholeLog,
} from './scene.js';

const currentOf = (metadata: Readonly<Record<string, string>>) =>
  fromBinary(SignedRightsSchema, new Uint8Array(Buffer.from(metadata['current']!, 'base64')));

test.serial('version 1 makes a grant that both parties find, and nobody else', async (t) => {
  const { ledger } = await opened(t);
  const first = signed();
  t.deepEqual(await ledger.put(alice, first), { used: 0 });
  for (const party of [alice, bob]) {
    const [status] = await ledger.read(party, [grantId]);
    t.deepEqual(status!.signedRights, first);
    t.is(status!.logLength, 1);
  }
  t.deepEqual(await ledger.read(mallory, [grantId]), []);
  t.is(await reasonOf(ledger.log(mallory, grantId, 0)), 'UNKNOWN_GRANT');
  const none = new Uint8Array();
  t.is((await ledger.list(alice, 'owner', none)).grants.length, 1);
  t.is((await ledger.list(bob, 'viewer', none)).grants.length, 1);
  t.is((await ledger.list(bob, 'owner', none)).grants.length, 0);
  t.is((await ledger.list(mallory, 'viewer', none)).grants.length, 0);
});

test.serial('the same bytes succeed again, at every version, and are written once', async (t) => {
  const { ledger } = await opened(t);
  const [one, two] = [signed(), signed({ version: 2, quota: 9 })];
  for (const rights of [one, one, two, two]) t.deepEqual(await ledger.put(alice, rights), { used: 0 });
  const { entries, head } = await wholeLog(ledger);
  t.deepEqual(
    verifyLog(entries, head).map(({ event, version, remaining }) => [event, version, remaining]),
    [
      [LogEvent.GRANT, 1, 3],
      [LogEvent.UPDATE, 2, 9],
    ],
  );
});

test.serial('an older, a skipped or a rival version is refused with the current rights', async (t) => {
  const { ledger } = await opened(t);
  const current = signed({ version: 2, quota: 5 });
  await ledger.put(alice, signed());
  await ledger.put(alice, current);
  for (const rights of [signed(), signed({ version: 2, quota: 9 }), signed({ version: 4 })]) {
    const refused = await refusalOf(ledger.put(alice, rights));
    t.is(refused.message, 'the rights were changed meanwhile: sign the change again over the current ones');
    t.deepEqual(currentOf(refused.metadata), current);
  }
  t.deepEqual(await ledger.put(alice, signed({ version: 3 })), { used: 0 });
});

test.serial('a grant begins with version 1', async (t) => {
  const { ledger } = await opened(t);
  t.is(await reasonOf(ledger.put(alice, signed({ version: 2 }))), 'UNKNOWN_GRANT');
});

test.serial('a viewer key and an image have one grant of an owner', async (t) => {
  const { ledger } = await opened(t);
  await ledger.put(alice, signed());
  const current = signed({ version: 2 });
  await ledger.put(alice, current);
  const refused = await refusalOf(ledger.put(alice, signed({ grantId: bytes16(0x77) })));
  t.regex(refused.message, /has a grant for this image/);
  t.deepEqual(currentOf(refused.metadata), current);
  await ledger.put(alice, signed({ grantId: bytes16(0x78), imageId: bytes16(0x11) }));
});

test.serial('of rivals for one viewer and image, one is made', async (t) => {
  const place = await inPlace(t);
  const ledgers = await Promise.all([ledgerAt(t, place), ledgerAt(t, place)]);
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      ledgers[index % 2]!.ledger.put(alice, signed({ grantId: bytes16(index + 1) })),
    ),
  );
  t.is(results.filter(({ status }) => status === 'fulfilled').length, 1);
  const { grants } = await ledgers[0].ledger.list(bob, 'viewer', new Uint8Array());
  t.is(grants.length, 1);
});

test.serial('of rival successors one is put, and the others learn which', async (t) => {
  const place = await inPlace(t);
  const ledgers = await Promise.all([ledgerAt(t, place), ledgerAt(t, place)]);
  await ledgers[0].ledger.put(alice, signed());
  const rivals = Array.from({ length: 12 }, (_, index) => signed({ version: 2, quota: index }));
  const results = await Promise.allSettled(
    rivals.map((rights, index) => ledgers[index % 2]!.ledger.put(alice, rights)),
  );
  const won = results.findIndex(({ status }) => status === 'fulfilled');
  t.is(results.filter(({ status }) => status === 'fulfilled').length, 1);
  const [status] = await ledgers[1].ledger.read(bob, [grantId]);
  t.is(hex(status!.signedRights!.rights), hex(rivals[won]!.rights));
  t.is(status!.logLength, 2);
});

test.serial('rights are refused for what they are', async (t) => {
  const { ledger } = await opened(t);
  await ledger.put(alice, signed());
  const forged = create(SignedRightsSchema, { ...signed({ version: 2 }), signature: new Uint8Array(64) });
  const byMallory = (more: Parameters<typeof rightsOf>[0]) => signRights(rightsOf(more), stranger.signing);
  const other = { grantId: bytes16(0x55), imageId: bytes16(0x56) };
  const cases: readonly (readonly [string, Promise<unknown>])[] = [
    ['BAD_SIGNATURE', ledger.put(alice, forged)],
    ['BAD_SIGNATURE', ledger.put(alice, byMallory({ version: 2 }))],
    ['NOT_YOURS', ledger.put(mallory, byMallory({ version: 2 }))],
    ['NOT_YOURS', ledger.put(bob, signed({ version: 2 }))],
    ['NOT_YOURS', ledger.put({ ...alice, name: 'alicia' }, signed({ version: 2 }))],
    ['UNKNOWN_GRANT', ledger.put(mallory, byMallory({ version: 1, owner: mallory }))],
    ['WRONG_CLOUD', ledger.put(alice, signed({ ...other, cloudId: bytes16(9) }))],
    ['INVALID_REQUEST', ledger.put(alice, signed({ ...other, mode: Mode.PREPAID }))],
    ['INVALID_REQUEST', ledger.put(alice, signed({ version: 2, mode: Mode.PREPAID }))],
    ['INVALID_REQUEST', ledger.put(alice, signed({ version: 2, batchViewsMax: 2 }))],
    ['RIGHTS_CHANGED_IDENTITY', ledger.put(alice, signed({ version: 2, imageId: bytes16(9) }))],
    ['RIGHTS_CHANGED_IDENTITY', ledger.put(alice, signed({ version: 2, viewer: mallory }))],
    ['RIGHTS_CHANGED_IDENTITY', ledger.put(alice, signed({ version: 2, secretId: 2 }))],
  ];
  for (const [expected, call] of cases) t.is(await reasonOf(call), expected);
  const malformed = create(SignedRightsSchema, {
    rights: new Uint8Array(40).fill(0xff),
    signature: new Uint8Array(64),
  });
  await t.throwsAsync(ledger.put(alice, malformed), { instanceOf: FormatError });
  t.is((await wholeLog(ledger)).entries.length, 1);
});

test.serial('an owner may fill a viewer’s mailbox to a limit, which taking makes room in', async (t) => {
  const { ledger, store } = await opened(t);
  const grant = (value: number) => signed({ grantId: bytes16(value), imageId: bytes16(value) });
  await ledger.put(alice, grant(1));
  const count = async () => {
    const row = await store.get(keys.untaken(bob.fingerprint, alice.fingerprint));
    return row && fromBinary(UntakenRecordSchema, row.value).grants;
  };
  t.is(await count(), 1);
  const full = create(UntakenRecordSchema, { grants: LEDGER_LIMITS.untakenGrantsMax });
  const key = keys.untaken(bob.fingerprint, alice.fingerprint);
  await store.transact([], [{ type: 'put', key, value: toBinary(UntakenRecordSchema, full) }]);
  t.is(await reasonOf(ledger.put(alice, grant(2))), 'LIMIT_EXCEEDED');
  await ledger.acknowledge(bob.fingerprint, bytes16(1), 1);
  await ledger.acknowledge(bob.fingerprint, bytes16(1), 1);
  t.is(await count(), LEDGER_LIMITS.untakenGrantsMax - 1);
  await ledger.put(alice, grant(2));
  t.is(await reasonOf(ledger.put(alice, grant(3))), 'LIMIT_EXCEEDED');
});

test.serial('many first versions for one viewer do not get into each other’s way', async (t) => {
  const { ledger, store } = await opened(t);
  const grants = Array.from({ length: 100 }, (_, index) =>
    signed({ grantId: bytes16(index), imageId: bytes16(index) }),
  );
  await Promise.all(grants.map((rights) => ledger.put(alice, rights)));
  const taken = grants.map((_, index) => ledger.acknowledge(bob.fingerprint, bytes16(index), 1));
  await Promise.all(taken);
  t.deepEqual(await store.list({ prefix: 'untaken/' }), [], 'nothing is left to count');
});
