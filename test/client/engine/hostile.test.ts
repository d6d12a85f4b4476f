/** Peers that do not play by the rules: refused for the right reason, and nothing of theirs is left behind. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import test from 'ava';
import { create, fromBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Outgoing } from '../../../client/cloud/outgoing.js';
import { PEER_LIMITS } from '../../../client/peer/limits.js';
import { assemble } from '../../../client/peer/member.js';
import { peerService } from '../../../client/peer/service.js';
import { worldEdge } from '../../../client/peer/workings.js';
import { makeKeyBundle, restoreClientKeys } from '../../../core/identity/keys.js';
import { toPeer } from '../../../core/identity/tls.js';
import { signRights } from '../../../core/rights/signed.js';
import { openChannel } from '../../../core/rpc/channel.js';
import { createClient } from '../../../core/rpc/client.js';
import { Refused } from '../../../core/rpc/errors.js';
import type { Refusal } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { DeliverRequestSchema, ParcelSchema, Peer } from '../../../gen/glimpse/v1/peer_pb.js';
import type { DeliverRequest, DeliverResponse } from '../../../gen/glimpse/v1/peer_pb.js';
import { RightsSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import type { SignedRights } from '../../../gen/glimpse/v1/rights_pb.js';
import { Ending, newcomer, photos, startCloud } from './clouds.js';
import type { RunningCloud, TestClient } from './clouds.js';
import { drawnRights } from '../../core/rights/samples.js';

const ending = new Ending();
let cloud: RunningCloud;
let mallory: TestClient;
let bob: TestClient;
let address: string;
test.before(async () => {
  cloud = await startCloud(ending, 1);
  mallory = await newcomer(ending, cloud, 'mallory');
  bob = await newcomer(ending, cloud, 'bob');
  address = (await bob.up({ gallery: photos })).address;
});
test.after.always(ending.all);

type Parcel = MessageInitShape<typeof ParcelSchema>;
type Said = MessageInitShape<typeof DeliverRequestSchema>;

const keysOf = ({ vault }: TestClient) => {
  const { signingKey, agreementKey } = vault.identity.get()!;
  return restoreClientKeys({ signing: signingKey, agreement: agreementKey });
};

/** A connection as mallory, whose software is her own. */
function dial(t: { teardown(end: () => void): void }) {
  const { membership } = mallory.vault.identity.get()!;
  const identity = {
    authority: membership!.caCertificate,
    certificate: membership!.certificates[0]!,
    privateKey: keysOf(mallory).signing,
  };
  const channel = openChannel(address, toPeer(identity, bob.vault.identity.get()!.keys.signingKey));
  t.teardown(() => channel.close());
  return createClient(Peer, channel);
}

/** Rights that mallory gives bob; whatever else is wrong with them. */
function rightsOf(changes: Parameters<typeof drawnRights>[0] = {}, signer = mallory): SignedRights {
  const [owner, viewer] = [mallory.vault.identity.get()!, bob.vault.identity.get()!];
  const rights = drawnRights({
    cloudId: owner.membership!.cloudId,
    owner: { name: 'mallory', fingerprint: owner.fingerprint },
    viewer: { name: 'bob', fingerprint: viewer.fingerprint },
    payloadBytes: 100_000,
    ...changes,
  });
  return signRights(rights, keysOf(signer).signing);
}

const grantOf = ({ rights }: SignedRights): Uint8Array => fromBinary(RightsSchema, rights).grantId;

function parcelOf(signedRights: SignedRights, changes: Partial<Parcel> = {}): Parcel {
  return {
    grantId: grantOf(signedRights),
    snapshot: randomBytes(32),
    carrierBytes: 200_000,
    leader: 's1',
    signedRights,
    ownerKeys: makeKeyBundle(keysOf(mallory)),
    ...changes,
  };
}

/** Announces, and sends `carrier` once bob is ready. What came of it. */
async function deliver(
  t: { teardown(end: () => void): void },
  parcel: Parcel,
  carrier: () => Iterable<Uint8Array>,
): Promise<Refusal | 'taken' | 'ended'> {
  const replies = new Outgoing<DeliverResponse>();
  const requests = async function* (): AsyncGenerator<Said> {
    yield { message: { case: 'parcel', value: parcel } };
    await replies[Symbol.asyncIterator]().next();
    for (const piece of carrier()) yield { message: { case: 'carrier', value: piece } };
  };
  try {
    for await (const reply of dial(t).deliver(requests())) {
      if (reply.message.case === 'taken') return 'taken';
      replies.push(reply);
    }
    return 'ended';
  } catch (error) {
    if (error instanceof Refused) return error.reason;
    throw error;
  } finally {
    replies.end();
  }
}

const nothing = (): Iterable<Uint8Array> => [];
function* zeros(pieces: number): Generator<Uint8Array> {
  for (let n = 0; n < pieces; n += 1) yield new Uint8Array(65_536);
}

async function leftBehind(): Promise<string[]> {
  const { incoming, inbox } = bob.vault.home;
  return [...(await readdir(incoming)), ...(await readdir(inbox))];
}

test.serial('what is not hers to give, not for bob, or of another cloud is not even begun', async (t) => {
  const good = rightsOf();
  const elsewhere = rightsOf({ cloudId: randomBytes(16) });
  const forCarol = rightsOf({
    viewer: { name: 'carol', fingerprint: randomBytes(32) },
  });
  const forged = { ...good, signature: randomBytes(64) };
  const bobs = makeKeyBundle(keysOf(bob));
  t.is(await deliver(t, parcelOf(good, { ownerKeys: bobs }), nothing), Reason.BAD_SIGNATURE);
  t.is(await deliver(t, parcelOf(good, { signedRights: forged }), nothing), Reason.BAD_SIGNATURE);
  t.is(await deliver(t, parcelOf(rightsOf({}, bob)), nothing), Reason.BAD_SIGNATURE);
  t.is(await deliver(t, parcelOf(elsewhere), nothing), Reason.WRONG_CLOUD);
  t.is(await deliver(t, parcelOf(forCarol), nothing), Reason.NOT_YOURS);
  t.is(await deliver(t, parcelOf(good, { grantId: randomBytes(16) }), nothing), Reason.BAD_CARRIER);
  t.is(await deliver(t, parcelOf(good, { carrierBytes: 200_000_000 }), nothing), Reason.BAD_CARRIER);
  t.deepEqual(await leftBehind(), []);
});

test.serial('a stream without end, of the wrong bytes, or that stops, leaves nothing', async (t) => {
  t.is(await deliver(t, parcelOf(rightsOf()), () => zeros(Number.MAX_SAFE_INTEGER)), Reason.BAD_STREAM);
  t.is(await deliver(t, parcelOf(rightsOf(), { carrierBytes: 65_536 }), () => zeros(1)), Reason.BAD_CARRIER);
  t.deepEqual(await leftBehind(), []);
  t.not(await deliver(t, parcelOf(rightsOf()), () => zeros(1)), 'taken');
  t.is((await leftBehind()).length, 1, 'one that broke off may be resumed, for a day');
  t.deepEqual(bob.vault.held.list(), []);
});

test.serial(
  'a real carrier with the wrong digest, or announced with other rights, is not taken',
  async (t) => {
    await mallory.up({ gallery: photos });
    await bob.engine.allow('mallory', 'none');
    const refused = await mallory.engine.share('bob', 'acanthus-mollis.jpg');
    t.is(refused.delivery, 'waiting', 'bob takes nothing from mallory now');
    await mallory.engine.close();
    await bob.engine.allow('mallory', 'browse');
    const given = mallory.vault.given.list()[0]!;
    const file = await readFile(
      mallory.vault.carriers.file(fromBinary(RightsSchema, given.current!.rights).sealId),
    );
    const snapshot = createHash('sha256').update(file).digest();
    const pieces = (): Uint8Array[] =>
      [0, 1].map((half) => file.subarray((half * file.length) / 2, ((half + 1) * file.length) / 2));
    const whole = { carrierBytes: file.length, snapshot };
    // Its slot is noise: it is a carrier, and nobody's.
    t.is(
      await deliver(t, parcelOf(given.current!, whole), () => pieces().flatMap((piece) => cut(piece))),
      Reason.BAD_CARRIER,
    );
    t.is(
      await deliver(t, parcelOf(given.current!, { ...whole, snapshot: randomBytes(32) }), () =>
        pieces().flatMap((piece) => cut(piece)),
      ),
      Reason.BAD_CARRIER,
    );
    t.deepEqual(bob.vault.held.list(), []);
  },
);

function cut(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, n) =>
    bytes.subarray(n * 65_536, (n + 1) * 65_536),
  );
}

test.serial('a stream that breaks when bob is ready does not keep its picture from coming', async (t) => {
  const identity = bob.vault.identity.get()!;
  const surroundings = { vault: bob.vault, edge: worldEdge, tell: () => undefined, periods: PEER_LIMITS };
  const member = assemble(identity, identity.membership!, surroundings);
  t.teardown(() => member.close());
  const parcel = create(ParcelSchema, parcelOf(rightsOf()));
  const over = new AbortController();
  const requests = async function* (): AsyncGenerator<DeliverRequest> {
    yield create(DeliverRequestSchema, { message: { case: 'parcel', value: parcel } });
    await once(over.signal, 'abort');
  };
  const { signingKey } = mallory.vault.identity.get()!.keys;
  const caller = { role: 'client', name: 'mallory', signingKey } as const;
  const service = peerService({ ...member, offer: {} as never });
  const replies = service.deliver(requests(), { caller, signal: over.signal });
  const answers = replies[Symbol.asyncIterator]();
  const first = await answers.next();
  t.is(first.done === true ? undefined : first.value.message?.case, 'ready');
  await answers.return?.();
  over.abort();
  const again = await bob.vault.incoming.open(parcel);
  if (again === 'busy') return t.fail('it is busy for ever');
  await again.discard();
  t.pass();
});

test.serial('deliveries at once are bounded for each sender', async (t) => {
  const waiting = Array.from({ length: PEER_LIMITS.incomingPerPeerMax }, async () => {
    const client = dial(t);
    const said = new Outgoing<Said>();
    said.push({ message: { case: 'parcel', value: parcelOf(rightsOf()) } });
    const replies = client.deliver(said)[Symbol.asyncIterator]();
    const first = await replies.next();
    return {
      ready: first.done !== true && first.value.message.case === 'ready',
      end: () => replies.return?.(),
    };
  });
  const begun = await Promise.all(waiting);
  t.true(begun.every(({ ready }) => ready));
  t.is(await deliver(t, parcelOf(rightsOf()), nothing), Reason.SENDER_LIMIT);
  for (const { end } of begun) await end();
});

test.serial('rights from peers: forged, rolled back, or for a grant of someone else', async (t) => {
  const client = dial(t);
  const reason = async (signedRights: SignedRights): Promise<Refusal | number> => {
    try {
      return (await client.updateRights({ signedRights })).version;
    } catch (error) {
      if (error instanceof Refused) return error.reason;
      throw error;
    }
  };
  const grantId = randomBytes(16);
  t.is(await reason(rightsOf({ grantId, version: 5 })), 5);
  t.is(await reason(rightsOf({ grantId, version: 4, quota: 999 })), 5, 'an older version changes nothing');
  t.is(
    await reason({ ...rightsOf({ grantId, version: 6 }), signature: randomBytes(64) }),
    Reason.BAD_SIGNATURE,
  );
  t.is(await reason(rightsOf({ grantId, version: 6 }, bob)), Reason.BAD_SIGNATURE);
  const bobs = bob.vault.identity.get()!.fingerprint;
  t.is(await reason(rightsOf({ owner: { name: 'alice', fingerprint: bobs } })), Reason.BAD_SIGNATURE);
  const empty = { ...rightsOf(), rights: new Uint8Array([8, 1]) };
  t.is(await reason(empty), Reason.BAD_SIGNATURE);
  t.is(bob.vault.held.get(grantId)?.version, 5);
});

test.serial('whoever calls without asking first, or says nothing of the kind, is told so', async (t) => {
  const client = dial(t);
  const ends = async (message: Parameters<typeof client.requestPhoto>[0]): Promise<unknown> => {
    try {
      for await (const part of client.requestPhoto(message)) t.log(part.message.case);
      return 'ended';
    } catch (error) {
      return error instanceof Refused ? error.reason : error;
    }
  };
  const said = (message: MessageInitShape<typeof DeliverRequestSchema>['message'] | object) =>
    (async function* () {
      yield { message } as never;
    })();
  t.is(await ends(said({ case: 'taken', value: { snapshot: randomBytes(32) } })), Reason.BAD_STREAM);
  t.is(
    await ends(said({ case: 'ask', value: { imageId: randomBytes(3), views: 1 } })),
    Reason.INVALID_REQUEST,
  );
  await bob.engine.allow('mallory', 'request');
  t.is(
    await ends(said({ case: 'ask', value: { imageId: randomBytes(16), views: 1 } })),
    Reason.UNKNOWN_PHOTO,
  );
});
