/** The Discovery service of whole servers, over mutual TLS, two of them on one folder. */
import { randomBytes } from 'node:crypto';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { requestCertificate } from '../../../core/identity/certificates.js';
import { holderOf } from '../../../core/identity/role.js';
import { signRights } from '../../../core/rights/signed.js';
import { Refused } from '../../../core/rpc/errors.js';
import { GrantSide } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import type { Rights, SignedRights } from '../../../gen/glimpse/v1/rights_pb.js';
import { Closing } from '../../../server/closing.js';
import { openCluster } from '../../../server/cluster.js';
import { joinCode } from '../../../server/commands/standing-code.js';
import { invite } from '../../../server/discovery/invitations.js';
import { startServing } from '../../../server/serving.js';
import type { Serving } from '../../../server/serving.js';
import { openSqliteStore } from '../../../server/store/sqlite.js';
import type { Store } from '../../../server/store/store.js';
import { drawIdentity } from '../../identities.js';
import { Attendance, connect, join } from '../joining.js';
import type { Connection, Joined } from '../joining.js';
import { rowBecomes, temporaryFolder } from './fixture.js';
import { drawnRights } from '../../core/rights/samples.js';

interface Cloud {
  readonly folder: string;
  readonly store: Store;
  readonly servers: readonly Serving[];
  readonly code: string;
}

async function startCloud(t: ExecutionContext, ids: readonly string[] = ['s1']): Promise<Cloud> {
  const folder = await temporaryFolder(t);
  const loopback = { host: '127.0.0.1', port: 0 };
  const servers: Serving[] = [];
  for (const id of ids) {
    const closing = new Closing();
    t.teardown(() => closing.close((what, error) => t.log(what, error)));
    servers.push(
      await startServing(
        {
          id,
          data: folder,
          storePlace: { directory: folder, etcd: undefined },
          peers: [],
          listen: loopback,
          enrol: loopback,
          advertise: '127.0.0.1',
          now: () => new Date(),
          log: (level, event, fields) => level === 'error' && t.log(event, fields),
        },
        closing,
      ),
    );
  }
  const store = await openSqliteStore({ directory: folder });
  t.teardown(() => store.close());
  const secret = randomBytes(16);
  await invite(store, secret, {});
  const { authority } = await openCluster(`${folder}/cluster`);
  return { folder, store, servers, code: joinCode(authority, [servers[0]!.enrolment], secret, '') };
}

function reach(t: ExecutionContext, client: Joined, { address }: Serving): Connection {
  const connection = connect(client.identity, address);
  t.teardown(() => connection.close());
  return connection;
}

async function refusal(t: ExecutionContext, call: Promise<unknown>): Promise<Reason> {
  const { reason } = await t.throwsAsync(call, { instanceOf: Refused });
  return reason;
}

/** Version 1 of what `owner` allows `viewer`. */
function firstRights(owner: Joined, viewer: Joined): Rights {
  return drawnRights({
    cloudId: owner.cloudId,
    owner: { name: owner.name, fingerprint: owner.fingerprint },
    viewer: { name: viewer.name, fingerprint: viewer.fingerprint },
  });
}

const signed = (owner: Joined, rights: Rights, changes: Partial<Rights> = {}): SignedRights =>
  signRights({ ...rights, ...changes }, owner.keys.signing);

test.serial('who attends is found, listed and online, at whichever server one asks', async (t) => {
  const { servers, code, store } = await startCloud(t, ['s1', 's2']);
  const alice = await join(code, 'alice');
  const bob = await join(code, 'bob');
  const [here, there] = servers.map((server) => reach(t, alice, server).discovery);
  t.is(await refusal(t, there!.lookUp({ name: 'carol' })), Reason.UNKNOWN_PEER);
  t.false((await there!.lookUp({ name: 'bob' })).entry?.online);

  const attendance = await Attendance.begin(reach(t, bob, servers[0]!).discovery, '127.0.0.1:4242');
  t.is(attendance.attended.server, 's1');
  t.is(attendance.attended.sessionId.length, 16);
  const { entry } = await there!.lookUp({ name: 'bob' });
  t.true(entry?.online);
  t.is(entry?.address, '127.0.0.1:4242');
  t.deepEqual(entry?.sessionId, attendance.attended.sessionId);
  t.deepEqual(entry?.keys?.signingKey, bob.bundle.signingKey);
  const listed = await here!.list({});
  t.deepEqual(
    listed.entries.map(({ name, online }) => [name, online]),
    [
      ['alice', false],
      ['bob', true],
    ],
  );
  t.false(listed.more);

  await attendance.end();
  await rowBecomes(store, 'session/bob', (row) => row === undefined);
  t.false((await there!.lookUp({ name: 'bob' })).entry?.online);
});

test.serial('an attending client is told of every server that runs', async (t) => {
  const { servers, code } = await startCloud(t, ['s1', 's2']);
  const alice = await join(code, 'alice');
  const attendance = await Attendance.begin(reach(t, alice, servers[1]!).discovery);
  t.deepEqual(
    attendance.attended.servers,
    servers.map(({ address }) => address),
  );
  await attendance.end();
});

test.serial('a stream that does not begin with Hello, or says it twice, is refused', async (t) => {
  const { servers, code } = await startCloud(t);
  const { discovery } = reach(t, await join(code, 'alice'), servers[0]!);
  const answer = async function* () {
    yield { message: { case: 'answer', value: { sequence: 1 } } } as const;
  };
  const heard = discovery.attend(answer())[Symbol.asyncIterator]();
  t.is(await refusal(t, heard.next()), Reason.BAD_STREAM);
  const attendance = await Attendance.begin(discovery);
  attendance.say({ case: 'hello', value: { address: '' } });
  t.is(await refusal(t, attendance.next()), Reason.BAD_STREAM);
});

test.serial(
  'rights reach a viewer who attends, those held first, and again until acknowledged',
  async (t) => {
    const { servers, code, store } = await startCloud(t, ['s1', 's2']);
    const alice = await join(code, 'alice');
    const bob = await join(code, 'bob');
    const owner = reach(t, alice, servers[0]!).discovery;
    const viewer = reach(t, bob, servers[1]!).discovery;
    const rights = firstRights(alice, bob);
    const grantId = rights.grantId;
    const versions = [1, 2, 3].map((version) => signed(alice, rights, { version, quota: version }));
    await owner.putRights({ signedRights: versions[0]! });
    await owner.putRights({ signedRights: versions[1]! });

    const first = await Attendance.begin(viewer);
    const held = await first.next();
    t.is(held?.case, 'update');
    t.deepEqual(held?.case === 'update' && held.value.signedRights?.rights, versions[1]!.rights);
    t.deepEqual(held?.case === 'update' && held.value.ownerKeys?.signingKey, alice.bundle.signingKey);
    await first.end();

    const second = await Attendance.begin(viewer);
    const again = await second.next();
    t.deepEqual(again?.case === 'update' && again.value.signedRights?.rights, versions[1]!.rights);
    second.say({ case: 'taken', value: { grantId, version: 2 } });
    await rowBecomes(store, `held/${hex(bob.fingerprint)}/${hex(grantId)}`, (row) => row?.value.at(-1) === 2);
    await owner.putRights({ signedRights: versions[2]! });
    const live = await second.next();
    t.deepEqual(live?.case === 'update' && live.value.signedRights?.rights, versions[2]!.rights);
    second.say({ case: 'taken', value: { grantId, version: 3 } });
    await rowBecomes(store, `held/${hex(bob.fingerprint)}/${hex(grantId)}`, (row) => row?.value.at(-1) === 3);
    await second.end();

    const third = await Attendance.begin(viewer);
    const other = firstRights(alice, bob);
    await owner.putRights({ signedRights: signed(alice, other) });
    const news = await third.next();
    t.deepEqual(news?.case === 'update' && news.value.signedRights?.rights, signed(alice, other).rights);
    await third.end();
  },
);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test.serial('many grants held for one viewer all arrive, in pages, none twice', async (t) => {
  const { servers, code } = await startCloud(t);
  const alice = await join(code, 'alice');
  const bob = await join(code, 'bob');
  const owner = reach(t, alice, servers[0]!).discovery;
  const all = Array.from({ length: 130 }, () => firstRights(alice, bob));
  for (let at = 0; at < all.length; at += 10) {
    const some = all.slice(at, at + 10);
    await Promise.all(some.map((rights) => owner.putRights({ signedRights: signed(alice, rights) })));
  }
  const attendance = await Attendance.begin(reach(t, bob, servers[0]!).discovery);
  const heard = new Set<string>();
  for (const _ of all) {
    const update = await attendance.next();
    if (update?.case === 'update') heard.add(hex(update.value.signedRights!.rights));
  }
  t.deepEqual([...heard].sort(), all.map((rights) => hex(signed(alice, rights).rights)).sort());
  await attendance.end();
});

test.serial('the ledger is reached through any server: grants, their log, a delivery', async (t) => {
  const { servers, code } = await startCloud(t, ['s1', 's2']);
  const alice = await join(code, 'alice');
  const bob = await join(code, 'bob');
  const owner = reach(t, alice, servers[0]!).discovery;
  const viewer = reach(t, bob, servers[1]!).discovery;
  const rights = firstRights(alice, bob);
  const { grantId } = rights;
  t.is((await owner.putRights({ signedRights: signed(alice, rights) })).used, 0);
  t.is(await refusal(t, viewer.putRights({ signedRights: signed(alice, rights) })), Reason.NOT_YOURS);
  await owner.recordDelivery({ grantId, snapshot: randomBytes(32) });
  const { grants } = await viewer.listGrants({ side: GrantSide.VIEWER });
  t.deepEqual(
    grants.map(({ signedRights, logLength }) => [hex(signedRights!.rights), logLength]),
    [[hex(signed(alice, rights).rights), 2]],
  );
  t.is((await owner.listGrants({ side: GrantSide.VIEWER })).grants.length, 0);
  t.is((await viewer.readGrants({ grantIds: [grantId, randomBytes(16)] })).grants.length, 1);
  t.is((await viewer.readLog({ grantId })).entries.length, 2);
  const carol = reach(t, await join(code, 'carol'), servers[0]!).discovery;
  t.is(await refusal(t, carol.readLog({ grantId })), Reason.UNKNOWN_GRANT);
});

test.serial('a report is checked where the session is, and only a silent client is taken out', async (t) => {
  const { servers, code } = await startCloud(t, ['s1', 's2']);
  const alice = await join(code, 'alice');
  const bob = await join(code, 'bob');
  const attendance = await Attendance.begin(reach(t, bob, servers[0]!).discovery);
  const { sessionId } = attendance.attended;
  for (const server of servers) {
    const { discovery } = reach(t, alice, server);
    const report = discovery.reportOffline({ name: 'bob', sessionId });
    const probe = await attendance.next();
    t.is(probe?.case, 'probe');
    if (probe?.case === 'probe')
      attendance.say({ case: 'answer', value: { sequence: probe.value.sequence } });
    t.true((await report).online);
  }
  const reporter = reach(t, alice, servers[1]!).discovery;
  t.false((await reporter.reportOffline({ name: 'bob', sessionId })).online);
  t.false((await reporter.lookUp({ name: 'bob' })).entry?.online);
});

test.serial('only servers may ask each other about sessions, only clients the rest', async (t) => {
  const { folder, servers, code } = await startCloud(t);
  const alice = reach(t, await join(code, 'alice'), servers[0]!).discovery;
  const asked = { name: 'alice', sessionId: randomBytes(16) };
  t.is(await refusal(t, alice.checkSession(asked)), Reason.WRONG_ROLE);
  const { authority } = await openCluster(`${folder}/cluster`);
  const server = connect(await drawIdentity(authority, 'server', 's9'), servers[0]!.address);
  t.teardown(() => server.close());
  t.false((await server.discovery.checkSession(asked)).alive);
  t.is(await refusal(t, server.discovery.list({})), Reason.WRONG_ROLE);
});

test.serial('a recovered name sends its former key away, mid-stream and for good', async (t) => {
  const { servers, code } = await startCloud(t, ['s1', 's2']);
  const before = await join(code, 'alice');
  const old = reach(t, before, servers[1]!).discovery;
  const attendance = await Attendance.begin(old);
  const after = await join(code, 'alice', { recoveryCode: before.recovery });
  t.is(await refusal(t, attendance.next()), Reason.KEY_REPLACED);
  t.is(await refusal(t, old.list({})), Reason.KEY_REPLACED);
  t.is((await reach(t, after, servers[1]!).discovery.list({})).entries.length, 1);
});

test.serial('a certificate is renewed for the same name and key, and for no other key', async (t) => {
  const { servers, code } = await startCloud(t);
  const alice = await join(code, 'alice');
  const { discovery } = reach(t, alice, servers[0]!);
  const { certificate } = await discovery.renew({
    certificateRequest: await requestCertificate('alice', alice.keys.signing),
  });
  const holder = holderOf(certificate);
  t.is(holder?.name, 'alice');
  t.is(holder?.role, 'client');
  t.deepEqual(holder?.signingKey, new Uint8Array(alice.bundle.signingKey));
  const mallory = await join(code, 'mallory');
  const forged = await requestCertificate('alice', mallory.keys.signing);
  t.is(await refusal(t, discovery.renew({ certificateRequest: forged })), Reason.INVALID_REQUEST);
});

test.serial('who leaves is gone at once, and the name is free', async (t) => {
  const { servers, code } = await startCloud(t);
  const alice = await join(code, 'alice');
  const { discovery } = reach(t, alice, servers[0]!);
  const attendance = await Attendance.begin(discovery);
  await discovery.leave({});
  t.is(await refusal(t, attendance.next()), Reason.KEY_REPLACED);
  t.is(await refusal(t, discovery.list({})), Reason.KEY_REPLACED);
  const another = reach(t, await join(code, 'alice'), servers[0]!).discovery;
  t.is((await another.list({})).entries.length, 1);
});

test.serial('a server that stops says goodbye', async (t) => {
  const { servers, code } = await startCloud(t);
  const attendance = await Attendance.begin(reach(t, await join(code, 'alice'), servers[0]!).discovery);
  await servers[0]!.drain();
  t.is((await attendance.next())?.case, 'goodbye');
  t.is(await attendance.next(), undefined);
});
