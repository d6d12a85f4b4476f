import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import test from 'ava';
import { checkFirst, checkSuccessor } from '../../../../core/rights/rules/between.js';
import { Reason } from '../../../../gen/glimpse/v1/error_pb.js';
import { Mode } from '../../../../gen/glimpse/v1/rights_pb.js';
import { owner, partyOf, rightsOf, stranger, viewer } from '../samples.js';

const putting = { caller: partyOf('alice', owner), cloudId: new Uint8Array(16).fill(2) };
const other = (length: number) => new Uint8Array(length).fill(0xee);
type Changes = Parameters<typeof rightsOf>[0];

const first = test.macro({
  exec(t, changes: Changes, expected: Reason | undefined) {
    t.is(checkFirst(rightsOf(changes), putting), expected);
  },
  title: (name) => `first: ${name!}`,
});
const next = test.macro({
  exec(t, changes: Changes, expected: Reason | undefined) {
    const current = rightsOf({ version: 4, quota: 5 });
    t.is(checkSuccessor(current, rightsOf({ version: 5, quota: 5, ...changes }), putting), expected);
  },
  title: (name) => `next: ${name!}`,
});

test('as it should be', first, {}, undefined);
test('no views yet', first, { quota: 0 }, undefined);
test('a later version', first, { version: 2 }, Reason.VERSION_CONFLICT);
test('of another cloud', first, { cloudId: other(16) }, Reason.WRONG_CLOUD);
test('under another name', first, { owner: partyOf('eve', owner) }, Reason.NOT_YOURS);
test('under another key', first, { owner: partyOf('alice', stranger) }, Reason.NOT_YOURS);
test('prepaid', first, { mode: Mode.PREPAID, batchViewsMax: 64 }, undefined);
test('prepaid, and none ahead', first, { mode: Mode.PREPAID }, Reason.INVALID_REQUEST);
test('from strict to prepaid', next, { mode: Mode.PREPAID, batchViewsMax: 1 }, undefined);
test('strict, with a batch', first, { batchViewsMax: 1 }, Reason.INVALID_REQUEST);

test('more views', next, { quota: 6 }, undefined);
test('fewer views', next, { quota: 1 }, undefined);
test('revoked', next, { revoked: true }, undefined);
test('expiring', next, { expiresAt: timestampFromMs(1) }, undefined);
test('the same version', next, { version: 4 }, Reason.VERSION_CONFLICT);
test('an older version', next, { version: 3 }, Reason.VERSION_CONFLICT);
test('a skipped version', next, { version: 6 }, Reason.VERSION_CONFLICT);
test('another grant', next, { grantId: other(16) }, Reason.RIGHTS_CHANGED_IDENTITY);
test('another photo', next, { imageId: other(16) }, Reason.RIGHTS_CHANGED_IDENTITY);
test('another viewer', next, { viewer: partyOf('eve', viewer) }, Reason.RIGHTS_CHANGED_IDENTITY);
test('another viewer’s key', next, { viewer: partyOf('bob', stranger) }, Reason.RIGHTS_CHANGED_IDENTITY);
test('another owner', next, { owner: partyOf('eve', stranger) }, Reason.NOT_YOURS);
test('hidden anew', next, { sealId: other(32), payloadDigest: other(32), payloadBytes: 9 }, undefined);
test(
  'hidden anew, by another secret and file key',
  next,
  { sealId: other(32), payloadDigest: other(32), secretId: 2, fileKeyCommitment: other(32) },
  undefined,
);
test('another digest, not hidden anew', next, { payloadDigest: other(32) }, Reason.RIGHTS_CHANGED_IDENTITY);
test('another length, not hidden anew', next, { payloadBytes: 9 }, Reason.RIGHTS_CHANGED_IDENTITY);
test('another secret, not hidden anew', next, { secretId: 2 }, Reason.RIGHTS_CHANGED_IDENTITY);
test(
  'another file key, not hidden anew',
  next,
  { fileKeyCommitment: other(32) },
  Reason.RIGHTS_CHANGED_IDENTITY,
);
test('another seal id, the same payload', next, { sealId: other(32) }, Reason.RIGHTS_CHANGED_IDENTITY);

test('an owner whose key was replaced no longer updates', (t) => {
  const now = { ...putting, caller: partyOf('alice', stranger) };
  t.is(checkSuccessor(rightsOf(), rightsOf({ version: 2 }), now), Reason.NOT_YOURS);
});
