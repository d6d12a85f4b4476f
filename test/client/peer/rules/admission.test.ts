import test from 'ava';
import fc from 'fast-check';
import {
  decideBrowse,
  decideDelivery,
  decideRequest,
  viewsGranted,
} from '../../../../client/peer/rules/admission.js';
import type { Policy } from '../../../../client/vault/records.js';

const decided = fc.constantFrom<Policy>('none', 'browse', 'request');
const grants = fc.constantFrom(undefined, { revoked: false }, { revoked: true });

test('strangers knock; whoever was let in looks; the owner’s own word goes before --open', (t) => {
  t.is(decideBrowse({ policy: undefined, open: false }), 'knock');
  t.is(decideBrowse({ policy: undefined, open: true }), 'show');
  t.is(decideBrowse({ policy: 'none', open: true }), 'knock');
  t.is(decideBrowse({ policy: 'browse', open: false }), 'show');
});

test('nobody who may not look gets anything, whatever he was given before', (t) => {
  fc.assert(
    fc.property(fc.constantFrom<Policy | undefined>('none', undefined), grants, (policy, grant) => {
      t.is(decideRequest({ door: { policy, open: false }, grant }), 'knock');
    }),
  );
});

test('a grant is delivered again or stays revoked: it is never given twice', (t) => {
  fc.assert(
    fc.property(decided, fc.boolean(), grants, (policy, open, grant) => {
      const decision = decideRequest({ door: { policy, open }, grant });
      if (decision === 'grant' || decision === 'wait') t.is(grant, undefined);
      if (decision === 'deliver') t.false(grant?.revoked);
    }),
  );
  t.is(decideRequest({ door: { policy: 'browse', open: true }, grant: { revoked: true } }), 'revoked');
});

test('who may request is given at once, who may browse waits for approval', (t) => {
  t.is(decideRequest({ door: { policy: 'request', open: false }, grant: undefined }), 'grant');
  t.is(decideRequest({ door: { policy: undefined, open: true }, grant: undefined }), 'grant');
  t.is(decideRequest({ door: { policy: 'browse', open: true }, grant: undefined }), 'wait');
});

test('granted is the smaller of what is asked and the owner’s default', (t) => {
  t.deepEqual([viewsGranted(0, 3), viewsGranted(2, 3), viewsGranted(9, 3), viewsGranted(5, 0)], [3, 2, 3, 0]);
});

test('what comes unasked is bounded in count and size, from whomever it is', (t) => {
  const limits = { unaskedCountMax: 4, unaskedBytesMax: 1000 };
  const policies = fc.constantFrom<Policy | undefined>(undefined, 'none', 'browse', 'request');
  fc.assert(
    fc.property(
      policies,
      fc.nat({ max: 8 }),
      fc.nat({ max: 2000 }),
      fc.nat({ max: 2000 }),
      (policy, count, bytes, more) => {
        const offered = { policy, unasked: { count, bytes }, carrierBytes: more, limits };
        t.is(decideDelivery({ ...offered, expected: true }), 'take');
        const decision = decideDelivery({ ...offered, expected: false });
        if (policy === 'none') t.is(decision, 'not-admitted');
        if (decision === 'take')
          t.true(count + 1 <= limits.unaskedCountMax && bytes + more <= limits.unaskedBytesMax);
      },
    ),
  );
});
