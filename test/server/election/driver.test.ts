/** Three members in one process, over real sockets and real TLS. */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Refused } from '../../../core/rpc/errors.js';
import type { Client } from '../../../core/rpc/method.js';
import { MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import type { Election } from '../../../gen/glimpse/v1/election_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { openSqliteStore } from '../../../server/store/sqlite.js';
import { owner, startMember } from './member.js';
import type { Member } from './member.js';
import { ask, clientOf, ids, isWhole, makeCloud, shows } from './ring-of-three.js';

interface Trio {
  readonly members: ReadonlyMap<string, Member>;
  readonly clients: ReadonlyMap<string, Client<typeof Election>>;
}

async function startTrio(t: ExecutionContext): Promise<Trio> {
  const cloud = await makeCloud(t);
  const store = await openSqliteStore({ directory: cloud.directory });
  t.teardown(() => store.close());
  const members = new Map<string, Member>();
  const clients = new Map<string, Client<typeof Election>>();
  for (const id of ids) {
    const member = await startMember(id, store, cloud.servers.get(id)!, () => undefined);
    t.teardown(async () => {
      await member.ring.leave();
      await member.server.stop(0);
    });
    members.set(id, member);
    clients.set(id, clientOf(t, member.address, cloud.alice));
  }
  for (const client of clients.values()) await shows(client, isWhole(ids));
  return { members, clients };
}

const admitted = { ownerFingerprint: owner, sealedBytes: 1000 };

test('every server elects, the load is spread, and the leader alone takes the ticket, once', async (t) => {
  const { members, clients } = await startTrio(t);
  const leaders = new Map<string, number>();
  for (let asked = 0; asked < 9; asked++) {
    const { ticket, leader, leaderAddress } = await clients.get(ids[asked % 3]!)!.elect(ask());
    leaders.set(leader, (leaders.get(leader) ?? 0) + 1);
    t.is(leaderAddress, members.get(leader)!.address);
    const other = ids.find((id) => id !== leader)!;
    t.is(
      reasonOf(() => members.get(other)!.ring.begin(ticket!, admitted)),
      Reason.BAD_TICKET,
    );
    members.get(leader)!.ring.begin(ticket!, admitted);
    t.is(
      reasonOf(() => members.get(leader)!.ring.begin(ticket!, admitted)),
      Reason.TICKET_STALE,
    );
  }
  t.deepEqual([...leaders.values()], [3, 3, 3]);
});

test('a hundred requests at once at all three are spread evenly', async (t) => {
  const { clients } = await startTrio(t);
  const grants = await Promise.all(
    Array.from({ length: 99 }, (_, index) => clients.get(ids[index % 3]!)!.elect(ask())),
  );
  const counts = ids.map((id) => grants.filter(({ leader }) => leader === id).length);
  t.log(counts.join(' '));
  t.true(Math.max(...counts) - Math.min(...counts) <= 3, counts.join(' '));
});

test('work in flight weighs until it ends', async (t) => {
  const { members, clients } = await startTrio(t);
  const client = clients.get('a')!;
  const { ticket, leader } = await client.elect(ask());
  const work = members.get(leader)!.ring.begin(ticket!, admitted);
  await shows(client, (ring) => ring.members.some(({ load }) => load?.id === leader && load.inFlight === 1));
  const next = await Promise.all([client.elect(ask()), client.elect(ask())]);
  t.false(next.some((grant) => grant.leader === leader));
  work.end();
  work.end();
  const ring = await shows(client, ({ members: all }) =>
    all.some(({ load }) => load?.id === leader && load.inFlight === 0),
  );
  t.is(ring.members.find(({ load }) => load?.id === leader)?.load?.granted, 1);
});

test('one that drains is elected no more; one that leaves is gone at once', async (t) => {
  const { members, clients } = await startTrio(t);
  members.get('a')!.ring.drain();
  await shows(clients.get('b')!, (ring) =>
    ring.members.some(({ load }) => load?.id === 'a' && load.draining),
  );
  const grants = await Promise.all(
    Array.from({ length: 6 }, (_, index) => clients.get(ids[index % 3]!)!.elect(ask())),
  );
  t.false(grants.some(({ leader }) => leader === 'a'));
  await members.get('a')!.ring.leave();
  const ring = await shows(clients.get('c')!, isWhole(['b', 'c']));
  t.is(ring.members[0]?.member?.state, MemberState.LEFT);
  t.true(['b', 'c'].includes((await clients.get('b')!.elect(ask())).leader));
  const refused = await t.throwsAsync(clients.get('a')!.elect(ask()), { instanceOf: Refused });
  t.is(refused.reason, Reason.DRAINING);
});

test('who gives up waiting is not waited for', async (t) => {
  const { members } = await startTrio(t);
  const ending = new AbortController();
  const { ring } = members.get('b')!;
  const asked = ring.elect({ ...ask(), ownerFingerprint: owner }, ending.signal);
  ending.abort(new Error('enough'));
  await t.throwsAsync(asked, { message: 'enough' });
});

test('clients may neither pass nor announce', async (t) => {
  const { clients } = await startTrio(t);
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

function reasonOf(act: () => unknown): Reason | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof Refused ? error.reason : undefined;
  }
}
