/** Two settle the same change at once, as a command and the outbox of `up` do: it counts once, and none is lost. */
import { EventEmitter, once } from 'node:events';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { issueCertificate } from '../../../core/identity/certificates.js';
import { fingerprintOf, keepClientKeys, makeKeyBundle, publicBytes } from '../../../core/identity/keys.js';
import { readRights } from '../../../core/rights/signed.js';
import { Refused } from '../../../core/rpc/errors.js';
import { PEER_LIMITS } from '../../../client/peer/limits.js';
import { assemble } from '../../../client/peer/member.js';
import { worldEdge } from '../../../client/peer/workings.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { owner } from '../../core/rights/samples.js';
import { alice, bob, cloudId, grantId, inPlace, ledgerAt, signed } from '../../server/ledger/scene.js';
import { cloudOf } from '../cloud/clouds.js';
import { draw, temporaryVault } from '../vault/samples.js';

/** Alice has given Bob three views, and the ledger has them. Her puts go through a door that a test can shut. */
async function scene(t: ExecutionContext) {
  const { ledger } = await ledgerAt(t, await inPlace(t));
  const doors: Door[] = [];
  const { cloud, authority } = await cloudOf(t, {
    discovery: {
      putRights: async ({ signedRights }) => {
        const door = doors.shift();
        if (door?.stands === 'before') await door.passed();
        const put = await ledger.put(alice, signedRights!);
        if (door?.stands === 'after') await door.passed();
        return put;
      },
      lookUp: () => {
        throw new Refused(Reason.UNKNOWN_PEER, 'nobody but Alice is in this cloud');
      },
    },
  });
  const vault = await temporaryVault(t);
  const kept = keepClientKeys(owner);
  const keys = makeKeyBundle(owner);
  const own = {
    ...{ signingKey: kept.signing, agreementKey: kept.agreement, imageKey: draw(32) },
    ...{ keys, fingerprint: fingerprintOf(keys) },
  };
  vault.identity.create(own, 'recovery');
  const certificate = await issueCertificate(authority, {
    ...{ role: 'client', name: 'alice', signingKey: publicBytes(owner.signing) },
    ...{ nowMs: Date.now(), serial: draw(16) },
  });
  const identity = vault.identity.join({
    ...{ name: 'alice', cloudId, caCertificate: authority.certificate, certificates: [certificate] },
    ...{ servers: cloud.servers, clockOffsetMs: 0 },
  });
  const member = assemble(identity, identity.membership!, {
    ...{ vault, edge: worldEdge, tell: (line) => t.log(line), periods: PEER_LIMITS },
  });
  t.teardown(() => member.close());
  vault.given.give({ viewer: bob, photo: { name: 'cat.jpg', path: '/cat.jpg' }, signedRights: signed() }, 1);
  const given = () => vault.given.get(grantId)!;
  await member.changes.settle(given());
  const shut = (stands: Door['stands']): Door => {
    const door = new Door(stands);
    doors.push(door);
    return door;
  };
  return { changes: member.changes, vault, given, shut, more: { add: 1 } as const };
}

/** The next put waits there until it is opened: before the ledger has it, or after, with the answer. */
class Door {
  readonly stands: 'before' | 'after';
  readonly #events = new EventEmitter();
  readonly reached = once(this.#events, 'reached');

  constructor(stands: Door['stands']) {
    this.stands = stands;
  }

  async passed(): Promise<void> {
    const opened = once(this.#events, 'opened');
    this.#events.emit('reached');
    await opened;
  }

  open(): void {
    this.#events.emit('opened');
  }

  refuse(): void {
    this.#events.emit('error', new Refused(Reason.INVALID_REQUEST, 'not these'));
  }
}

/** A change is put late, which another settles meanwhile; and one after it, which waits at its own door. */
async function overtaken(t: ExecutionContext, stands: Door['stands']) {
  const { changes, vault, given, shut, more } = await scene(t);
  const late = shut('before');
  const slow = changes.change(given(), more);
  await late.reached;
  await changes.settle(given());
  const next = shut(stands);
  const following = changes.change(given(), more);
  await next.reached;
  return { vault, given, late, slow, next, following };
}

test('a change that another has settled, and a later one overtaken, is not wished again', async (t) => {
  const { vault, given, late, slow, next, following } = await overtaken(t, 'after');
  late.open();
  t.is((await slow).state.quota, 5);
  next.open();
  t.is((await following).state.quota, 5);
  t.is(readRights(given().current!).version, 3);
  t.is(given().wish, undefined);
  t.deepEqual(vault.outbox.list(), []);
});

test('what is wished while a change is settled by another is granted after it', async (t) => {
  const { changes, vault, given, shut, more } = await scene(t);
  const [first, second] = [shut('before'), shut('before')];
  const slow = changes.change(given(), more);
  await first.reached;
  const other = changes.settle(given());
  await second.reached;
  const wished = changes.change(given(), more);
  second.open();
  await other;
  first.open();
  await Promise.all([slow, wished]);
  t.is(readRights(given().current!).quota, 5);
  t.is(given().pending, undefined);
  t.is(given().wish, undefined);
  t.deepEqual(vault.outbox.list(), []);
});

test('a late refusal takes back its own version alone', async (t) => {
  const { given, late, slow, next, following } = await overtaken(t, 'before');
  late.refuse();
  await t.throwsAsync(slow, { instanceOf: Refused });
  t.is(readRights(given().pending!).version, 3);
  next.open();
  t.is((await following).state.quota, 5);
  t.is(readRights(given().current!).version, 3);
});
