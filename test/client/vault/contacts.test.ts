import test from 'ava';
import { someone, temporaryVault } from './samples.js';

test('the key of first contact stays; another one is an alarm', async (t) => {
  const { contacts } = await temporaryVault(t);
  const bob = someone('bob');
  const meeting = contacts.meet(bob, 1000);
  t.is(meeting.type, 'pinned');
  t.deepEqual(meeting.contact, {
    ...bob,
    verified: false,
    policy: undefined,
    address: undefined,
    pinnedAtMs: 1000,
    alarm: undefined,
  });
  t.is(contacts.meet(bob, 2000).type, 'known');

  const mallory = { ...someone('bob') };
  const changed = contacts.meet(mallory, 3000);
  t.is(changed.type, 'changed');
  t.deepEqual(changed.contact.fingerprint, bob.fingerprint, 'the pinned key still stands');
  t.deepEqual(changed.contact.alarm, {
    keys: mallory.keys,
    fingerprint: mallory.fingerprint,
    seenAtMs: 3000,
  });
  t.is(contacts.meet(bob, 4000).type, 'known');
  t.deepEqual(
    contacts.get('bob')?.alarm?.fingerprint,
    mallory.fingerprint,
    'the alarm stands until it is answered',
  );
});

test('an alarm is accepted for exactly the keys it is about; trust begins anew', async (t) => {
  const { contacts } = await temporaryVault(t);
  const bob = someone('bob');
  contacts.meet(bob, 1);
  t.true(contacts.verify('bob', bob.fingerprint));
  contacts.allow('bob', 'request');
  contacts.reached('bob', '10.0.0.1:7000');
  const next = someone('bob');
  contacts.meet(next, 2);
  t.false(contacts.accept('bob', someone('bob').fingerprint, 3));
  t.true(contacts.accept('bob', next.fingerprint, 3));
  t.deepEqual(contacts.get('bob'), {
    ...next,
    verified: false,
    policy: 'request',
    address: undefined,
    pinnedAtMs: 3,
    alarm: undefined,
  });
  t.false(contacts.verify('bob', bob.fingerprint), 'only the pinned key can be verified');
});

test('contacts are found by name, and listed by name', async (t) => {
  const { contacts } = await temporaryVault(t);
  const [carol, bob] = [someone('carol'), someone('bob')];
  contacts.meet(carol, 1);
  contacts.meet(bob, 1);
  t.deepEqual(
    contacts.list().map(({ name }) => name),
    ['bob', 'carol'],
  );
  t.false(contacts.allow('dave', 'browse'));
  t.is(contacts.get('dave'), undefined);
});
