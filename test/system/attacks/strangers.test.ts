/** Attacks of those who have no certificate for what they want to do: strangers, impostors, servers that are none. */
import { randomBytes } from 'node:crypto';
import type { TestFn } from 'ava';
import anyTest from 'ava';
import { credentials as grpcCredentials } from '@grpc/grpc-js';
import { requestCertificate } from '../../../core/identity/certificates.js';
import { decodeJoinCode, encodeJoinCode } from '../../../core/identity/join-code.js';
import { ListenerCredentials, toEnrolment, toPeer, toServer } from '../../../core/identity/tls.js';
import type { Credentials, Identity } from '../../../core/identity/tls.js';
import { startServer } from '../../../core/rpc/server.js';
import { addService } from '../../../core/rpc/service.js';
import { awaited } from '../../../demo/processes.js';
import { Discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Election } from '../../../gen/glimpse/v1/election_pb.js';
import type { SignedTicket } from '../../../gen/glimpse/v1/election_pb.js';
import { Enrolment } from '../../../gen/glimpse/v1/enrolment_pb.js';
import { Peer } from '../../../gen/glimpse/v1/peer_pb.js';
import { Stego } from '../../../gen/glimpse/v1/stego_pb.js';
import { Cast } from '../../client/cast.js';
import { nobody } from '../../core/rpc/listening.js';
import { drawAuthority, drawIdentity } from '../../identities.js';
import { join } from '../../server/joining.js';
import { Lines, attackerFrom, refusalOf, signedRights } from './attacker.js';
import type { Attacker } from './attacker.js';
import { clusterOf, givenBy, openHouse } from './house.js';
import type { House } from './house.js';

const test = anyTest as TestFn<House>;
const lines = new Lines();

test.before(async (t) => {
  const cast = await Cast.gather();
  t.context = { cast } as House;
  t.context = await openHouse(cast, 2, 2);
});
test.after.always(async (t) => {
  lines.close();
  await t.context.cast.leave();
});

const yearMs = 366 * 86_400_000;

/** Whom nobody lets in, each with what he comes with. */
async function strangers(house: House): Promise<Record<string, Identity>> {
  const { authority } = await clusterOf(house);
  const { identity } = attackerFrom(house.bob);
  const other = await drawIdentity(await drawAuthority(), 'client', 'bob');
  const own = { certificate: identity.certificate, privateKey: identity.privateKey };
  return {
    'another cloud’s certificate': { ...other, authority: authority.certificate },
    'one of an hour too long ago': await drawIdentity(
      authority,
      'client',
      'bob',
      identity.privateKey,
      Date.now() - yearMs,
    ),
    'one that a client issued': {
      ...(await drawIdentity(own, 'server', 's1')),
      authority: authority.certificate,
    },
  };
}

test.serial('a stranger on the network: is heard by nobody, with whatever certificate', async (t) => {
  const house = t.context;
  const { servers, alice, bob, cast, aliceAt } = house;
  const key = attackerFrom(alice).bundle.signingKey;
  const ask = (credentials: Credentials, address: string) =>
    refusalOf(lines.with(Discovery, address, credentials).lookUp({ name: 'alice' }));
  for (const [what, who] of Object.entries(await strangers(house))) {
    t.is(await ask(toServer(who), servers[0]!), 'Unreachable', what);
    const update = { signedRights: signedRights({ owner: attackerFrom(bob), viewer: attackerFrom(alice) }) };
    const peer = lines.with(Peer, aliceAt, toPeer(who, key));
    t.is(await refusalOf(peer.updateRights(update)), 'Unreachable', `${what}, at a client`);
  }
  const { authority } = attackerFrom(bob).identity;
  const plain = { channel: grpcCredentials.createInsecure(), wrongIdentity: () => undefined };
  t.is(await ask(toEnrolment(authority), servers[0]!), 'Unreachable', 'without a certificate');
  t.is(await ask(plain, servers[0]!), 'Unreachable', 'without TLS');

  const [enrols] = decodeJoinCode(cast.joinCode).addresses;
  t.is(await ask(toEnrolment(authority), enrols!), 'INTERNAL', 'enrolment serves nothing else');
  const guessed = encodeJoinCode({ ...decodeJoinCode(cast.joinCode), secret: randomBytes(16) });
  t.is(await refusalOf(join(guessed, 'eve')), 'BAD_JOIN_CODE');
});

test.serial(
  'someone with another’s name in mind: gets neither the name nor what is done under it',
  async (t) => {
    const house = t.context;
    const { servers, cast, alice, bob, aliceAt, received } = house;
    const mallory = await join(cast.joinCode, 'mallory');
    const [owner, viewer] = [attackerFrom(alice), attackerFrom(bob)];
    const discovery = lines.to(Discovery, servers[0]!, mallory.identity);

    t.is(await refusalOf(join(cast.joinCode, 'alice')), 'NAME_TAKEN');
    const recoveryCode = mallory.recovery;
    t.is(await refusalOf(join(cast.joinCode, 'alice', { recoveryCode })), 'BAD_RECOVERY_CODE');
    const certificateRequest = await requestCertificate('mallory', owner.keys.signing);
    t.is(await refusalOf(discovery.renew({ certificateRequest })), 'INVALID_REQUEST');

    const forged = signedRights({ owner, viewer, signer: mallory });
    t.is(await refusalOf(discovery.putRights({ signedRights: forged })), 'NOT_YOURS');
    const hers = signedRights({ owner, viewer });
    t.is(
      await refusalOf(discovery.putRights({ signedRights: hers })),
      'NOT_YOURS',
      'signed by Alice herself',
    );
    const grantId = Buffer.from(received.grant, 'hex');
    t.is(await refusalOf(discovery.readLog({ grantId })), 'UNKNOWN_GRANT');
    t.deepEqual((await discovery.readGrants({ grantIds: [grantId] })).grants, []);
    t.is(await refusalOf(discovery.revokeFormer({ grantId })), 'UNKNOWN_GRANT');
    t.is(await refusalOf(discovery.recordDelivery({ grantId, snapshot: randomBytes(32) })), 'UNKNOWN_GRANT');

    const peer = lines.toPeer(Peer, aliceAt, [mallory, owner]);
    t.is(await refusalOf(peer.browse({})[Symbol.asyncIterator]().next()), 'NOT_ADMITTED');
    t.like(await givenBy(house, received.grant), { version: 1, used: 0 });
  },
);

test.serial('someone with a certificate that was replaced: is nobody, at every server', async (t) => {
  const { servers, cast } = t.context;
  const carol = await join(cast.joinCode, 'carol');
  await join(cast.joinCode, 'carol', { recoveryCode: carol.recovery });
  for (const address of servers) {
    const discovery = lines.to(Discovery, address, carol.identity);
    const refused = await awaited(async () => refusalOf(discovery.lookUp({ name: 'alice' })));
    t.is(refused, 'KEY_REPLACED', address);
  }
});

test.serial('someone who poses as a server: leads nothing, and is told nothing', async (t) => {
  const house = t.context;
  const { servers, cast } = house;
  const s1 = await join(cast.joinCode, 's1');
  const election = lines.to(Election, servers[1]!, s1.identity);
  const member = { id: 's1', address: '127.0.0.1:9', incarnation: 9 };
  t.is(
    await refusalOf(election.announce({ member, epoch: { counter: 9, minter: 's1', life: 9 } })),
    'WRONG_ROLE',
  );
  const nothing = async function* (): AsyncGenerator<never> {};
  t.is(await refusalOf(election.pass(nothing())[Symbol.asyncIterator]().next()), 'WRONG_ROLE');
  const check = { name: 'bob', sessionId: randomBytes(16) };
  t.is(await refusalOf(lines.to(Discovery, servers[1]!, s1.identity).checkSession(check)), 'WRONG_ROLE');

  const { authority } = await clusterOf(house);
  const there = await drawIdentity(await drawAuthority(), 'server', 's1');
  const another = lines.to(Election, servers[1]!, { ...there, authority: authority.certificate });
  t.is(await refusalOf(another.announce({ member })), 'Unreachable');

  const told: string[] = [];
  const listener = await startServer({
    host: '127.0.0.1',
    port: 0,
    credentials: new ListenerCredentials(s1.identity, 'none'),
    register: (server) =>
      addService(
        server,
        Enrolment,
        { join: nobody },
        { allow: { join: ['anonymous'] }, failed: (name) => told.push(name) },
      ),
  });
  t.teardown(() => listener.stop(0));
  const lure = encodeJoinCode({ ...decodeJoinCode(cast.joinCode), addresses: [listener.address] });
  t.is(await refusalOf(join(lure, 'lured')), 'Unreachable');
  t.deepEqual(told, [], 'nobody brought a join code there');
});

/** A hiding that says how it would go on, and does not. */
async function hide(who: Attacker, address: string, ticket: SignedTicket | undefined, sealedBytes: number) {
  const stego = lines.to(Stego, address, who.identity);
  const header = { ticket, imageId: randomBytes(16), coverBytes: 10, sealedBytes };
  const requests = async function* () {
    yield { part: { case: 'header' as const, value: header } };
  };
  return refusalOf(stego.hide(requests())[Symbol.asyncIterator]().next());
}

test.serial('someone without a ticket: has nothing hidden', async (t) => {
  const { servers, alice, bob, cast } = t.context;
  const [owner, other] = [attackerFrom(alice), attackerFrom(bob)];
  const elect = (requestId = randomBytes(16)) =>
    lines.to(Election, servers[0]!, owner.identity).elect({ requestId, sealedBytes: 1_000 });
  const { ticket, leaderAddress } = await elect();
  const elsewhere = cast.addresses.find((address) => address !== leaderAddress)!;
  const forged = { ...ticket!, mac: randomBytes(32) };
  t.is(await hide(owner, leaderAddress, undefined, 1_000), 'INVALID_REQUEST');
  t.is(await hide(owner, leaderAddress, forged, 1_000), 'BAD_TICKET', 'a forged one');
  t.is(await hide(other, leaderAddress, ticket, 1_000), 'BAD_TICKET', 'another’s');
  t.is(await hide(owner, leaderAddress, ticket, 2_000), 'BAD_TICKET', 'for less');
  t.is(await hide(owner, elsewhere, ticket, 1_000), 'BAD_TICKET', 'for another leader');
  t.is(await hide(owner, leaderAddress, ticket, 1_000), 'BAD_STREAM', 'it was good, once');
  t.is(await hide(owner, leaderAddress, ticket, 1_000), 'TICKET_STALE', 'a second time');
});
