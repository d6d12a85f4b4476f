import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Unreachable } from '../../../core/rpc/errors.js';
import { Presence } from '../../../server/discovery/presence.js';
import type { Session } from '../../../server/discovery/session.js';
import type { Sessions } from '../../../server/discovery/sessions.js';
import type { Store } from '../../../server/store/store.js';
import { register, startSessions, temporaryStore } from './fixture.js';

interface Server {
  readonly sessions: Sessions;
  readonly presence: Presence;
}

/** Servers that ask each other without a network; one that is not among them is unreachable. */
async function startServers(t: ExecutionContext, store: Store, ids: readonly string[]): Promise<Server[]> {
  const servers = new Map<string, Server>();
  for (const id of ids) {
    const { sessions } = await startSessions(t, store, id);
    const askServer = async (server: string, name: string, sessionId: Uint8Array): Promise<boolean> => {
      const asked = servers.get(server);
      if (!asked) throw new Unreachable(`${server} does not run`);
      return asked.presence.answers(name, sessionId);
    };
    servers.set(id, { sessions, presence: new Presence({ sessions, server: id, askServer }) });
  }
  return [...servers.values()];
}

/** A client that answers every probe until it is silenced. */
function answering(session: Session): () => void {
  const silence = new AbortController();
  const talk = async (): Promise<void> => {
    const over = AbortSignal.any([silence.signal, session.ended]);
    while (!over.aborted) {
      const notice = session.take();
      if (notice?.type === 'probe') session.answered(notice.sequence);
      else await session.stirred(over);
    }
  };
  void talk();
  return () => silence.abort();
}

test('a client that answers its server is online, whoever says otherwise', async (t) => {
  const store = await temporaryStore(t);
  const [one, other] = await startServers(t, store, ['s1', 's2']);
  const session = await one!.sessions.begin(await register(store, 'alice'), '');
  const silence = answering(session);
  t.true(await one!.presence.check('alice', session.id));
  t.true(await other!.presence.check('alice', session.id));
  const together = await Promise.all([1, 2, 3].map(() => one!.presence.check('alice', session.id)));
  t.deepEqual(together, [true, true, true]);
  silence();
});

test('a client that does not answer its server is taken out', async (t) => {
  const store = await temporaryStore(t);
  const [one] = await startServers(t, store, ['s1']);
  const session = await one!.sessions.begin(await register(store, 'alice'), '');
  t.false(await one!.presence.check('alice', session.id));
  t.true(session.ended.aborted);
  t.is(await store.get('session/alice'), undefined);
});

test('the server that holds a silent client takes it out when another asks', async (t) => {
  const store = await temporaryStore(t);
  const [one, other] = await startServers(t, store, ['s1', 's2']);
  const session = await one!.sessions.begin(await register(store, 'alice'), '');
  t.false(await other!.presence.check('alice', session.id));
  t.is(await store.get('session/alice'), undefined);
});

test('a session whose server cannot be asked is left to its lease', async (t) => {
  const store = await temporaryStore(t);
  const [one] = await startServers(t, store, ['s1']);
  const away = await startSessions(t, store, 's9');
  const session = await away.sessions.begin(await register(store, 'alice'), '');
  t.false(await one!.presence.check('alice', session.id));
  t.truthy(await store.get('session/alice'));
});

test('nobody is offline for a session that was replaced, or online without one', async (t) => {
  const store = await temporaryStore(t);
  const [one] = await startServers(t, store, ['s1']);
  const alice = await register(store, 'alice');
  t.false(await one!.presence.check('alice', new Uint8Array(16)));
  const first = await one!.sessions.begin(alice, '');
  const second = await one!.sessions.begin(alice, '');
  t.true(await one!.presence.check('alice', first.id));
  t.false(second.ended.aborted);
});

test('an answer to an earlier probe is none to this one', async (t) => {
  const store = await temporaryStore(t);
  const [one] = await startServers(t, store, ['s1']);
  const session = await one!.sessions.begin(await register(store, 'alice'), '');
  const answered = session.probe(1000);
  const notice = session.take();
  t.is(notice?.type, 'probe');
  session.answered(0);
  session.answered(notice?.type === 'probe' ? notice.sequence : -1);
  t.true(await answered);
  const unanswered = session.probe(100);
  session.answered(1);
  t.false(await unanswered);
});
