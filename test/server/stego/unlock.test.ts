import { create } from '@bufbuild/protobuf';
import test from 'ava';
import { Refused } from '../../../core/rpc/errors.js';
import { cloudKey } from '../../../core/seal/keys.js';
import { signRights } from '../../../core/rights/signed.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { UnlockRequestSchema } from '../../../gen/glimpse/v1/stego_pb.js';
import { unlock } from '../../../server/stego/unlock.js';
import type { ViewLedger } from '../../../server/stego/unlock.js';
import { owner, rightsOf } from '../../core/rights/samples.js';
import { patterned } from '../../core/streams.js';

const rights = rightsOf({ secretId: 2 });
const signedRights = signRights(rights, owner.signing);
const viewer = { fingerprint: rights.viewer!.fingerprint };
const secrets = new Map([
  [1, patterned(32, 1)],
  [2, patterned(32, 2)],
]);
const request = create(UnlockRequestSchema, {
  grantId: rights.grantId,
  viewIds: [patterned(16, 3)],
  sealId: rights.sealId,
});
/** Of a caller who waits. */
const awaited = new AbortController().signal;
const spending = (spend: ViewLedger['spend']): ViewLedger => ({ spend, confirm: () => Promise.resolve() });

test('the key is that of the rights as the ledger has them, under the secret they name', async (t) => {
  const ledger = spending(async () => ({ signedRights, rights, used: 2 }));
  const { imageId, sealId } = rights;
  t.deepEqual(await unlock(ledger, secrets, viewer, request, awaited), {
    cloudKey: cloudKey(secrets.get(2)!, { sealId, ownerFingerprint: rights.owner!.fingerprint, imageId }),
    signedRights,
    used: 2,
  });
});

test('the ledger is asked for just this viewer, grant, view and hiding', async (t) => {
  t.plan(2);
  const ledger = spending(async (who, asked) => {
    t.deepEqual(who, viewer);
    const { ready: _, ...named } = asked;
    t.deepEqual(named, { grantId: request.grantId, viewIds: request.viewIds, sealId: request.sealId });
    return { signedRights, rights, used: 1 };
  });
  await unlock(ledger, secrets, viewer, request, awaited);
});

test('what the ledger refuses releases nothing', async (t) => {
  const ledger = spending(() => Promise.reject(new Refused(Reason.VIEWS_SPENT, 'none left')));
  const error = await t.throwsAsync(unlock(ledger, secrets, viewer, request, awaited), {
    instanceOf: Refused,
  });
  t.is(error.reason, Reason.VIEWS_SPENT);
});

test('a secret that this server lacks is its failure, and spends nothing', async (t) => {
  let spent = 0;
  const ledger = spending(async (_viewer, { ready }) => {
    ready(rights);
    return { signedRights, rights, used: ++spent };
  });
  await t.throwsAsync(unlock(ledger, new Map(), viewer, request, awaited), { message: /lacks secret 2/ });
  t.is(spent, 0);
  t.is((await unlock(ledger, secrets, viewer, request, awaited)).used, 1);
});

test('what nobody waits for any more is not spent', async (t) => {
  let spent = 0;
  const ledger = spending(async (_viewer, { ready }) => {
    ready(rights);
    return { signedRights, rights, used: ++spent };
  });
  const gone = AbortSignal.abort(new Error('the caller has gone'));
  await t.throwsAsync(unlock(ledger, secrets, viewer, request, gone), { message: 'the caller has gone' });
  t.is(spent, 0);
});
