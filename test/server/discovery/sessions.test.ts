import { fromBinary } from '@bufbuild/protobuf';
import test from 'ava';
import { Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { SessionRecordSchema } from '../../../gen/glimpse/v1/records_pb.js';
import type { Session } from '../../../server/discovery/session.js';
import type { Row } from '../../../server/store/store.js';
import { aborted, register, rowBecomes, startSessions, temporaryStore } from './fixture.js';

const key = 'session/alice';
const isOf = (session: Session) => (row: Row | undefined) =>
  row !== undefined && Buffer.compare(fromBinary(SessionRecordSchema, row.value).sessionId, session.id) === 0;
const isGone = (row: Row | undefined): boolean => row === undefined;
const reasonOf = (session: Session): Reason | undefined =>
  session.why instanceof Refused ? session.why.reason : undefined;

test('a presence is a row for as long as it lives', async (t) => {
  const store = await temporaryStore(t);
  const { sessions } = await startSessions(t, store, 's1');
  const alice = await register(store, 'alice');
  const session = await sessions.begin(alice, '127.0.0.1:9');
  const row = await store.get(key);
  const record = fromBinary(SessionRecordSchema, row!.value);
  t.is(record.server, 's1');
  t.is(record.address, '127.0.0.1:9');
  t.deepEqual(new Uint8Array(record.fingerprint), alice.fingerprint);
  t.is(sessions.find('alice', session.id), session);
  t.is(sessions.find('alice', new Uint8Array(16)), undefined);
  session.end();
  await rowBecomes(store, key, isGone);
  t.is(sessions.find('alice', session.id), undefined);
  t.is(sessions.count, 0);
});

test('a later presence replaces an earlier one of the same server', async (t) => {
  const store = await temporaryStore(t);
  const { sessions } = await startSessions(t, store, 's1');
  const alice = await register(store, 'alice');
  const first = await sessions.begin(alice, '');
  const second = await sessions.begin(alice, '');
  t.true(first.ended.aborted);
  t.is(reasonOf(first), Reason.ATTENDED_ELSEWHERE);
  t.false(second.ended.aborted);
  t.true(isOf(second)(await store.get(key)));
  t.is(sessions.count, 1);
});

test('whoever is sent away finds in the directory who attends instead', async (t) => {
  const store = await temporaryStore(t);
  const { sessions } = await startSessions(t, store, 's1');
  const alice = await register(store, 'alice');
  const first = await sessions.begin(alice, '127.0.0.1:9');
  const found = new Promise<Row | undefined>((resolve, reject) => {
    first.ended.addEventListener('abort', () => void store.get(key).then(resolve, reject));
  });
  const second = await sessions.begin(alice, '127.0.0.1:10');
  t.true(isOf(second)(await found));
});

test('a later presence at another server ends the earlier one, whose end leaves the row alone', async (t) => {
  const store = await temporaryStore(t);
  const one = await startSessions(t, store, 's1');
  const other = await startSessions(t, store, 's2');
  const alice = await register(store, 'alice');
  const first = await one.sessions.begin(alice, '');
  const second = await other.sessions.begin(alice, '');
  await aborted(first.ended);
  t.is(reasonOf(first), Reason.ATTENDED_ELSEWHERE);
  await one.sessions.remove('alice', first.id);
  t.true(isOf(second)(await store.get(key)));
  t.false(second.ended.aborted);
});

test('a lost lease is granted anew and its sessions are written again, unnoticed', async (t) => {
  const store = await temporaryStore(t);
  const { sessions, lease } = await startSessions(t, store, 's1');
  const session = await sessions.begin(await register(store, 'alice'), '');
  const lost = lease.current;
  await lost.revoke();
  await rowBecomes(store, key, isOf(session));
  t.not(lease.current.id, lost.id);
  t.false(session.ended.aborted);
});

test('a row that someone else removed is not missed by the client that attends', async (t) => {
  const store = await temporaryStore(t);
  const { sessions } = await startSessions(t, store, 's1');
  const session = await sessions.begin(await register(store, 'alice'), '');
  await store.transact([], [{ type: 'delete', key }]);
  await rowBecomes(store, key, isOf(session));
  t.false(session.ended.aborted);
});

test('whoever attends with a replaced key is sent away', async (t) => {
  const store = await temporaryStore(t);
  const { sessions } = await startSessions(t, store, 's1');
  const before = await register(store, 'alice');
  const session = await sessions.begin(before, '');
  sessions.nameChanged('alice', before);
  t.false(session.ended.aborted);
  const after = await register(store, 'alice');
  sessions.nameChanged('alice', after);
  t.is(reasonOf(session), Reason.KEY_REPLACED);
  await rowBecomes(store, key, isGone);
  const refused = await t.throwsAsync(sessions.begin(before, ''), { instanceOf: Refused });
  t.is(refused.reason, Reason.KEY_REPLACED);
  t.is(await store.get(key), undefined);
});

test('a server that stops says goodbye and admits nobody', async (t) => {
  const store = await temporaryStore(t);
  const { sessions } = await startSessions(t, store, 's1');
  const session = await sessions.begin(await register(store, 'alice'), '');
  void sessions.goodbye();
  t.deepEqual(session.take(), { type: 'goodbye' });
  const bob = await register(store, 'bob');
  const refused = await t.throwsAsync(sessions.begin(bob, ''), { instanceOf: Refused });
  t.is(refused.reason, Reason.DRAINING);
});

test('whoever is told to attend elsewhere is in the directory until then', async (t) => {
  const store = await temporaryStore(t);
  const { sessions } = await startSessions(t, store, 's1');
  const other = await startSessions(t, store, 's2');
  const standing = await register(store, 'alice');
  const session = await sessions.begin(standing, '');
  const idOf = ({ id }: { readonly id: Uint8Array }): string => Buffer.from(id).toString('hex');
  const idOfPresent = async () => idOf({ id: (await sessions.present('alice'))!.sessionId });
  const moved = sessions.goodbye();
  session.end();
  t.is(await idOfPresent(), idOf(session));
  const next = await other.sessions.begin(standing, '');
  await moved;
  t.is(await idOfPresent(), idOf(next));
});

test('the rows of a server go with its lease', async (t) => {
  const store = await temporaryStore(t);
  const { sessions, lease } = await startSessions(t, store, 's1');
  await sessions.begin(await register(store, 'alice'), '');
  await lease.revoke();
  t.is(await store.get(key), undefined);
});
