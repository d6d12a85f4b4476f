import test from 'ava';
import { VAULT_LIMITS } from '../../../client/vault/limits.js';
import type { Ask } from '../../../client/vault/requests.js';
import { draw, someone, temporaryVault } from './samples.js';

const bob = someone('bob');
const peer = { name: bob.name, fingerprint: bob.fingerprint };
const photo = (of = peer): Ask => ({
  kind: 'photo',
  peer: of,
  imageId: draw(16),
  photo: 'cat.jpg',
  views: 2,
});

test('a request waits under a short id until the owner decides', async (t) => {
  const { requests } = await temporaryVault(t);
  const ask = photo();
  const recorded = requests.record(ask, 5);
  if (recorded.type !== 'recorded') return t.fail();
  t.regex(recorded.request.id, /^[a-z2-9]{4}$/);
  t.deepEqual(recorded.request, { ...ask, id: recorded.request.id, askedAtMs: 5, refused: false } as never);
  t.deepEqual(
    requests.record(ask, 6),
    { type: 'waiting', request: recorded.request },
    'asking again adds nothing',
  );
  requests.record({ kind: 'knock', peer }, 7);
  t.deepEqual(
    requests.list().map(({ kind }) => kind),
    ['photo', 'knock'],
  );
  t.deepEqual(requests.take(recorded.request.id), recorded.request);
  t.is(requests.take(recorded.request.id), undefined);
  requests.forgetKnock(peer.fingerprint);
  t.deepEqual(requests.list(), []);
});

test('a refusal is remembered, and answered at once', async (t) => {
  const { requests } = await temporaryVault(t);
  const ask = photo();
  const recorded = requests.record(ask, 5);
  if (recorded.type === 'full') return t.fail();
  t.true(requests.refuse(recorded.request.id)?.refused);
  t.is(requests.record(ask, 6).type, 'refused');
  t.deepEqual(requests.list(), []);
  t.is(requests.refuse(recorded.request.id), undefined);
  t.is(requests.take(recorded.request.id), undefined);
});

test('one peer cannot fill the list of the others; old refusals give way', async (t) => {
  const vault = await temporaryVault(t);
  const { requests } = vault;
  const ids = vault.transact(() =>
    Array.from({ length: VAULT_LIMITS.requestsPerPeerMax }, (_, at) => {
      const recorded = requests.record(photo(), at);
      return recorded.type === 'recorded' ? recorded.request.id : '';
    }),
  );
  t.deepEqual(requests.record(photo(), 100), { type: 'full' });
  t.is(requests.record(photo({ name: 'carol', fingerprint: draw(32) }), 100).type, 'recorded');
  requests.refuse(ids[3]!);
  t.is(requests.record(photo(), 101).type, 'recorded');
  t.is(requests.get(ids[3]!), undefined);
  t.is(requests.record(photo(), 102).type, 'full');
});

test('all peers together are bounded too', async (t) => {
  const vault = await temporaryVault(t);
  const types = vault.transact(() =>
    Array.from({ length: VAULT_LIMITS.requestsMax + 1 }, () => {
      const stranger = { name: 'someone', fingerprint: draw(32) };
      return vault.requests.record({ kind: 'knock', peer: stranger }, 1).type;
    }),
  );
  t.is(types.filter((type) => type === 'recorded').length, VAULT_LIMITS.requestsMax);
  t.is(types.at(-1), 'full');
});
