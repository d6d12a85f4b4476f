/** Three members in one process, over real sockets and real TLS. */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Refused } from '../../../core/rpc/errors.js';
import type { Client } from '../../../core/rpc/method.js';
import { MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import type {
  Election,
  ElectResponse,
  SignedTicket,
  WatchResponse,
} from '../../../gen/glimpse/v1/election_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { epochName } from '../../../server/election/ring/epoch.js';
import { openSqliteStore } from '../../../server/store/sqlite.js';
import { owner, startMember } from './member.js';
import type { Member } from './member.js';
import { ask, clientOf, ids, isWhole, makeCloud, shows } from './ring-of-three.js';

const members = new Map<string, Member>();
const clients = new Map<string, Client<typeof Election>>();

const ends: (() => unknown)[] = [];
const endings = { teardown: (end: () => unknown) => void ends.unshift(end) };

test.after.always(async () => {
  for (const end of ends) await end();
});

test.before(async () => {
  const cloud = await makeCloud(endings);
  const store = await openSqliteStore({ directory: cloud.directory });
  endings.teardown(() => store.close());
  for (const id of ids) {
    const member = await startMember(id, store, cloud.servers.get(id)!, () => undefined);
    endings.teardown(async () => {
      await member.ring.leave();
      await member.server.stop(0);
    });
    members.set(id, member);
    clients.set(id, clientOf(endings, member.address, cloud.alice));
  }
  for (const client of clients.values()) await shows(client, isWhole(ids));
});

const admitted = { ownerFingerprint: owner, sealedBytes: 1000 };

/**
 * A machine that is short of time makes members look silent, and a new epoch forgets credits for a while and makes
 * tickets stale: what is said of peace is tried until there is some.
 */
async function inPeace(t: ExecutionContext, act: (t: ExecutionContext) => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const before = epochNow();
    const trial = await t.try(act);
    if (attempt === 5 || trial.passed || epochNow() === before) {
      trial.commit();
      return;
    }
    trial.discard();
    for (const work of underWay.splice(0)) work.end();
    t.log(`attempt ${attempt}: not in peace`);
    for (const client of clients.values()) await shows(client, isWhole(ids));
    // Those who granted add their credits again when the token of a new epoch visits them: it visits all of them first.
    for (const id of ids) await clients.get(id)!.elect(ask());
    for (const client of clients.values()) await shows(client, hasNoCredits);
  }
}

/** What was begun, so that an attempt that failed leaves nothing behind for the next. */
const underWay: { end(): void }[] = [];

function beginAt(id: string, ticket: SignedTicket): { end(): void } {
  const work = members.get(id)!.ring.begin(ticket, admitted);
  underWay.push(work);
  return work;
}

const hasNoCredits = ({ members: all }: WatchResponse): boolean =>
  all.every(({ load }) => load?.credits.length === 0);

const epochNow = () => [...members.values()].map(({ ring }) => epochName(ring.status().epoch!)).join();

async function electFrom(count: number): Promise<ElectResponse[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => clients.get(ids[index % 3]!)!.elect(ask())));
}

test.serial(
  'one after the other, the leader alone takes the ticket, once, and the load is spread',
  async (t) => {
    await inPeace(t, async (tt) => {
      const leaders: string[] = [];
      const works: { end(): void }[] = [];
      for (let asked = 0; asked < 9; asked++) {
        const { ticket, leader, leaderAddress } = await clients.get(ids[asked % 3]!)!.elect(ask());
        leaders.push(leader);
        tt.is(leaderAddress, members.get(leader)!.address);
        const other = ids.find((id) => id !== leader)!;
        tt.is(
          reasonOf(() => beginAt(other, ticket!)),
          Reason.BAD_TICKET,
        );
        works.push(beginAt(leader, ticket!));
        tt.is(
          reasonOf(() => beginAt(leader, ticket!)),
          Reason.TICKET_STALE,
        );
      }
      for (const work of works) work.end();
      for (const id of ids) tt.is(leaders.filter((leader) => leader === id).length, 3);
    });
  },
);

test.serial('a hundred at once are spread evenly', async (t) => {
  await inPeace(t, async (tt) => {
    const grants = await electFrom(99);
    const counts = ids.map((id) => grants.filter(({ leader }) => leader === id).length);
    tt.log(counts.join(' '));
    tt.true(Math.max(...counts) - Math.min(...counts) <= 3, counts.join(' '));
  });
});

test.serial('work in flight weighs until it ends', async (t) => {
  await inPeace(t, async (tt) => {
    const { ticket, leader } = await clients.get('a')!.elect(ask());
    const work = beginAt(leader, ticket!);
    await shows(clients.get('a')!, inFlightAt(leader, 1));
    const next = await electFrom(2);
    tt.false(next.some((grant) => grant.leader === leader));
    work.end();
    work.end();
    await shows(clients.get('a')!, inFlightAt(leader, 0));
  });
});

const inFlightAt =
  (id: string, count: number) =>
  ({ members: all }: WatchResponse): boolean =>
    all.some(({ load }) => load?.id === id && load.inFlight === count);

test.serial('who gives up waiting is not waited for', async (t) => {
  await clients.get('a')!.elect(ask()); // so a holds the token, and b has to wait for it
  const ending = new AbortController();
  const { ring } = members.get('b')!;
  const asked = ring.elect({ ...ask(), ownerFingerprint: owner }, ending.signal);
  ending.abort(new Error('enough'));
  await t.throwsAsync(asked, { message: 'enough' });
});

test.serial('clients may neither pass nor announce', async (t) => {
  const client = clients.get('a')!;
  const member = { id: 'alice', address: '127.0.0.1:1', state: MemberState.ALIVE };
  const announced = await t.throwsAsync(client.announce({ member, epoch: {} }), { instanceOf: Refused });
  t.is(announced.reason, Reason.WRONG_ROLE);
  const nothing = (async function* () {})();
  const passed = await t.throwsAsync(
    async () => {
      for await (const _ of client.pass(nothing)) t.fail();
    },
    { instanceOf: Refused },
  );
  t.is(passed.reason, Reason.WRONG_ROLE);
});

test.serial('one that drains is elected no more; one that leaves is gone at once', async (t) => {
  members.get('a')!.ring.drain();
  await shows(clients.get('b')!, (ring) =>
    ring.members.some(({ load }) => load?.id === 'a' && load.draining),
  );
  await inPeace(t, async (tt) => {
    const grants = await electFrom(6);
    tt.false(grants.some(({ leader }) => leader === 'a'));
  });
  await members.get('a')!.ring.leave();
  const ring = await shows(clients.get('c')!, isWhole(['b', 'c']));
  t.is(ring.members[0]?.member?.state, MemberState.LEFT);
  t.true(['b', 'c'].includes((await clients.get('b')!.elect(ask())).leader));
  const refused = await t.throwsAsync(clients.get('a')!.elect(ask()), { instanceOf: Refused });
  t.is(refused.reason, Reason.DRAINING);
});

function reasonOf(act: () => unknown): Reason | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof Refused ? error.reason : undefined;
  }
}
