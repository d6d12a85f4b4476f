import test from 'ava';
import { ServerLease } from '../../server/lease.js';
import { StoreUnavailable } from '../../server/store/store.js';
import { silent, temporaryStore } from './discovery/fixture.js';

test('a lost lease is replaced, and writers wait for the one that replaces it', async (t) => {
  const store = await temporaryStore(t);
  const told: string[] = [];
  const lease = await ServerLease.grant(store, 60_000, (_level, event) => told.push(event));
  const first = await lease.held();
  t.is(first, lease.current);
  const revoked = first.revoke();
  const second = await lease.held();
  t.not(second.id, first.id);
  await revoked;
  t.deepEqual(told, ['lease lost', 'lease granted anew']);
  await lease.revoke();
});

test('a lease that was given up is not replaced', async (t) => {
  const store = await temporaryStore(t);
  const lease = await ServerLease.grant(store, 60_000, silent);
  let granted = 0;
  lease.onGranted(() => (granted += 1));
  const { id } = lease.current;
  await lease.revoke();
  await t.throwsAsync(lease.held(), { instanceOf: StoreUnavailable });
  t.is(lease.current.id, id);
  t.is(granted, 0);
});
