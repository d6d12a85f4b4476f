/** Joining, over real TLS and the real store. */
import { randomBytes } from 'node:crypto';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Enrolment } from '../../../gen/glimpse/v1/enrolment_pb.js';
import type { JoinResponse } from '../../../gen/glimpse/v1/enrolment_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { NameRecordSchema, SessionRecordSchema } from '../../../gen/glimpse/v1/records_pb.js';
import { authorityFingerprint, cloudIdOf, requestCertificate } from '../../../core/identity/certificates.js';
import { fetchCa } from '../../../core/identity/fetch-ca.js';
import { drawClientKeys, makeKeyBundle, publicBytes } from '../../../core/identity/keys.js';
import type { ClientKeys } from '../../../core/identity/keys.js';
import { formatRecoveryCode, recoveryDigest } from '../../../core/identity/recovery-code.js';
import { holderOf } from '../../../core/identity/role.js';
import { ListenerCredentials, toEnrolment, toServer } from '../../../core/identity/tls.js';
import { createClient } from '../../../core/rpc/client.js';
import { Refused } from '../../../core/rpc/errors.js';
import { startServer } from '../../../core/rpc/server.js';
import { addService } from '../../../core/rpc/service.js';
import { Directory } from '../../../server/discovery/directory.js';
import { ENROLMENT_CALLERS, enrolmentHandlers } from '../../../server/discovery/enrolment.js';
import { invite, invitationSecretBytes } from '../../../server/discovery/invitations.js';
import type { Invitation } from '../../../server/discovery/invitations.js';
import { drawAuthority, drawIdentity } from '../../identities.js';
import { open, serve } from '../../core/rpc/listening.js';
import { makePlace, openStore } from '../store/sqlite-engine.js';

const nowMs = Date.now();
const hourMs = 3_600_000;
/** Longer than the default: what is tested is who gets in, not how fast a busy machine is. */
const deadlineMs = 30_000;
const drawCode = (): string => formatRecoveryCode(randomBytes(20));

interface Joining {
  readonly secret: Uint8Array;
  readonly name: string;
  readonly keys?: ClientKeys;
  readonly code?: string;
  readonly recoveryCode?: string;
}

async function cloud(t: ExecutionContext) {
  const { place, remove } = await makePlace();
  const store = await openStore(place);
  const authority = await drawAuthority();
  const clock = { nowMs };
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    credentials: new ListenerCredentials(await drawIdentity(authority, 'server', 's1'), 'none'),
    register: (raw) => {
      const handlers = enrolmentHandlers({
        store,
        authority,
        servers: () => ['127.0.0.1:7610', '127.0.0.1:7612'],
        nowMs: () => clock.nowMs,
        randomBytes,
      });
      addService(raw, Enrolment, handlers, { allow: ENROLMENT_CALLERS, failed: (_, cause) => t.log(cause) });
    },
  });
  t.teardown(async () => {
    await server.stop(1000);
    await store.close();
    await remove();
  });
  const authorityCertificate = await fetchCa(
    server.address,
    authorityFingerprint(authority.certificate),
    new AbortController().signal,
  );
  const client = createClient(Enrolment, open(t, server.address, toEnrolment(authorityCertificate)));
  return {
    store,
    authority,
    clock,
    client,
    invited: async (invitation: Invitation) => {
      const secret = randomBytes(invitationSecretBytes);
      await invite(store, secret, invitation);
      return new Uint8Array(secret);
    },
    join: async ({
      secret,
      name,
      keys = drawClientKeys(),
      code = drawCode(),
      recoveryCode = '',
    }: Joining): Promise<JoinResponse> =>
      client.join(
        {
          secret,
          name,
          keys: makeKeyBundle(keys),
          certificateRequest: await requestCertificate(name, keys.signing),
          recoveryDigest: recoveryDigest(code),
          recoveryCode,
        },
        { deadlineMs },
      ),
  };
}

async function refused(t: ExecutionContext, call: Promise<unknown>, reason: Reason): Promise<void> {
  const error = await t.throwsAsync(call, { instanceOf: Refused });
  t.is(Reason[error.reason], Reason[reason], error.message);
}

test.serial(
  'whoever holds an invitation gets a name, a certificate for it, and where the servers are',
  async (t) => {
    const { invited, join, authority } = await cloud(t);
    const keys = drawClientKeys();
    const joined = await join({ secret: await invited({ uses: 1 }), name: 'alice', keys });
    t.deepEqual(holderOf(joined.certificate), {
      role: 'client',
      name: 'alice',
      signingKey: publicBytes(keys.signing),
    });
    t.deepEqual(joined.caCertificate, authority.certificate);
    t.deepEqual(joined.cloudId, cloudIdOf(authority.certificate));
    t.deepEqual(joined.servers, ['127.0.0.1:7610', '127.0.0.1:7612']);
  },
);

test.serial(
  'joining again with the same name and keys is safe, whatever became of the invitation',
  async (t) => {
    const { invited, join, clock } = await cloud(t);
    const keys = drawClientKeys();
    const secret = await invited({ uses: 1, expiresAtMs: nowMs + hourMs });
    await join({ secret, name: 'alice', keys });
    await join({ secret, name: 'alice', keys });
    clock.nowMs += 2 * hourMs;
    const again = await join({ secret: new Uint8Array(16), name: 'alice', keys });
    t.is(holderOf(again.certificate)?.name, 'alice');
  },
);

test.serial(
  'an invitation that is unknown, expired, used up or for another name admits nobody',
  async (t) => {
    const { invited, join, clock } = await cloud(t);
    await refused(t, join({ secret: new Uint8Array(16), name: 'alice' }), Reason.BAD_JOIN_CODE);

    const once = await invited({ uses: 1 });
    await join({ secret: once, name: 'alice' });
    await refused(t, join({ secret: once, name: 'bob' }), Reason.JOIN_CODE_USED_UP);

    const forBob = await invited({ name: 'bob' });
    await refused(t, join({ secret: forBob, name: 'carol' }), Reason.BAD_JOIN_CODE);
    await join({ secret: forBob, name: 'bob' });

    const short = await invited({ expiresAtMs: nowMs + hourMs });
    clock.nowMs += hourMs;
    await refused(t, join({ secret: short, name: 'dave' }), Reason.JOIN_CODE_EXPIRED);
  },
);

test.serial('a taken name stays with its key, and only the invited learn that it is taken', async (t) => {
  const { invited, join } = await cloud(t);
  const secret = await invited({});
  await join({ secret, name: 'alice' });
  await refused(t, join({ secret, name: 'alice' }), Reason.NAME_TAKEN);
  await refused(t, join({ secret: new Uint8Array(16), name: 'alice' }), Reason.BAD_JOIN_CODE);
});

test.serial('many at once use an invitation exactly as often as it allows', async (t) => {
  const { invited, join } = await cloud(t);
  const secret = await invited({ uses: 5 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, (_, n) => join({ secret, name: `name-${n}` })),
  );
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 5);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') t.like(outcome.reason, { reason: Reason.JOIN_CODE_USED_UP });
  }
});

test.serial('many at once want one name: one gets it', async (t) => {
  const { invited, join } = await cloud(t);
  const secret = await invited({});
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => join({ secret, name: 'alice' })));
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test.serial(
  'a recovery code brings the name to new keys, ends its presence, and is used up by it',
  async (t) => {
    const { invited, join, store } = await cloud(t);
    const [code, nextCode] = [drawCode(), drawCode()];
    const [old, fresh] = [drawClientKeys(), drawClientKeys()];
    await join({ secret: await invited({ uses: 1 }), name: 'alice', keys: old, code });
    const session = toBinary(SessionRecordSchema, {
      $typeName: 'glimpse.v1.SessionRecord',
      server: 's1',
      address: '',
      sessionId: new Uint8Array(16),
      fingerprint: new Uint8Array(32),
    });
    await store.transact([], [{ type: 'put', key: 'session/alice', value: session }]);

    const nobodys = new Uint8Array(16);
    await refused(
      t,
      join({ secret: nobodys, name: 'alice', keys: fresh, recoveryCode: drawCode() }),
      Reason.BAD_RECOVERY_CODE,
    );
    await refused(t, join({ secret: nobodys, name: 'bob', recoveryCode: code }), Reason.BAD_RECOVERY_CODE);
    await refused(
      t,
      join({ secret: nobodys, name: 'alice', recoveryCode: 'not a code' }),
      Reason.BAD_RECOVERY_CODE,
    );
    t.truthy(await store.get('session/alice'));

    const typed = code.toUpperCase().replaceAll('-', ' ');
    for (let times = 0; times < 2; times++) {
      // The second time stands for an answer that was lost.
      const joined = await join({
        secret: nobodys,
        name: 'alice',
        keys: fresh,
        code: nextCode,
        recoveryCode: typed,
      });
      t.deepEqual(holderOf(joined.certificate)?.signingKey, publicBytes(fresh.signing));
    }
    t.is(await store.get('session/alice'), undefined);
    const record = fromBinary(NameRecordSchema, (await store.get('name/alice'))!.value);
    t.deepEqual(record.keys, makeKeyBundle(fresh));
    t.deepEqual(record.former, [makeKeyBundle(old)]);
    await refused(t, join({ secret: nobodys, name: 'alice', recoveryCode: code }), Reason.BAD_RECOVERY_CODE);
    await refused(t, join({ secret: nobodys, name: 'alice', keys: old }), Reason.BAD_JOIN_CODE);
    await join({ secret: nobodys, name: 'alice', recoveryCode: nextCode });
  },
);

test.serial('keys that the newcomer does not hold are refused before anything is written', async (t) => {
  const { invited, client, join } = await cloud(t);
  const secret = await invited({ uses: 1 });
  const [mine, theirs] = [drawClientKeys(), drawClientKeys()];
  const request = {
    secret,
    name: 'alice',
    keys: makeKeyBundle(mine),
    certificateRequest: await requestCertificate('alice', mine.signing),
    recoveryDigest: new Uint8Array(32),
  };
  const stolen = { ...request, keys: makeKeyBundle(theirs) };
  const mixed = { ...makeKeyBundle(mine), agreementKey: publicBytes(theirs.agreement) };
  await refused(t, client.join(stolen), Reason.INVALID_REQUEST);
  await refused(t, client.join({ ...request, keys: mixed }), Reason.INVALID_REQUEST);
  await refused(t, client.join({ ...request, certificateRequest: randomBytes(200) }), Reason.INVALID_REQUEST);
  await refused(t, client.join({ ...request, name: '../alice' }), Reason.INVALID_REQUEST);
  await join({ secret, name: 'alice', keys: mine });
});

test.serial('after a recovery every listener refuses the old key, and takes the new one', async (t) => {
  const { invited, join, store, authority } = await cloud(t);
  const directory = new Directory(store);
  const ending = new AbortController();
  let changed!: () => void;
  const recovered = new Promise<void>((resolve) => (changed = resolve));
  const fresh = drawClientKeys();
  const following = directory.follow((_, standing) => {
    if (standing && Buffer.compare(standing.keys.signingKey, publicBytes(fresh.signing)) === 0) changed();
  }, ending.signal);
  t.teardown(() => {
    ending.abort();
    return following;
  });
  const services = await serve(
    t,
    await drawIdentity(authority, 'server', 's2'),
    Discovery,
    { lookUp: async ({ name }) => ({ entry: { name } }) },
    {
      authorize: async (caller) => {
        await directory.caller(caller);
      },
    },
  );
  const [code, old] = [drawCode(), drawClientKeys()];
  const dial = ({ certificate }: JoinResponse, { signing }: ClientKeys) => {
    const identity = { authority: authority.certificate, certificate, privateKey: signing };
    return createClient(Discovery, open(t, services.address, toServer(identity)));
  };
  const before = dial(await join({ secret: await invited({}), name: 'alice', keys: old, code }), old);
  t.is((await before.lookUp({ name: 'alice' })).entry?.name, 'alice');
  const recovery = { secret: new Uint8Array(16), name: 'alice', keys: fresh, recoveryCode: code };
  const after = dial(await join(recovery), fresh);
  await recovered;
  await refused(t, before.lookUp({ name: 'alice' }), Reason.KEY_REPLACED);
  t.is((await after.lookUp({ name: 'alice' })).entry?.name, 'alice');
});
