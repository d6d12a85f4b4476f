import { randomBytes } from 'node:crypto';
import test from 'ava';
import { hide } from '../../../client/cloud/hide.js';
import type { CarrierSink, Hiding } from '../../../client/cloud/hide.js';
import { Refused } from '../../../core/rpc/errors.js';
import type { Handlers } from '../../../core/rpc/method.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import type { Stego } from '../../../gen/glimpse/v1/stego_pb.js';
import { cloudOf } from './clouds.js';
import type { Serving, TestCloud } from './clouds.js';

type HideHandler = Handlers<typeof Stego>['hide'];

const sealed = randomBytes(300_000);
const cover = randomBytes(100_000);
const hiding: Hiding = {
  requestId: new Uint8Array(16).fill(1),
  imageId: new Uint8Array(16).fill(2),
  sealedBytes: sealed.length,
  async *sealed() {
    for (let at = 0; at < sealed.length; at += 65_536) yield sealed.subarray(at, at + 65_536);
  },
  cover,
};

/** A leader that returns cover and payload as the "carrier": whatever is sent must arrive, in order. */
const works: HideHandler = async function* (requests) {
  let bytes = 0;
  for await (const { part } of requests) {
    if (part.case === 'header') {
      if (part.value.sealedBytes !== sealed.length || part.value.coverBytes !== cover.length) {
        throw new Refused(Reason.BAD_STREAM, 'wrong lengths');
      }
      yield { part: { case: 'begun', value: { leader: 'x' } } };
    } else {
      bytes += part.value!.length;
      yield { part: { case: 'carrier', value: part.value! } };
    }
  }
  yield { part: { case: 'done', value: { carrierBytes: bytes, payloadBytes: 7 } } };
};
const diesMidway: HideHandler = async function* (requests) {
  for await (const { part } of requests) {
    if (part.case === 'header') continue;
    yield { part: { case: 'carrier', value: part.value! } };
    throw new Error('killed');
  }
};
const endsEarly: HideHandler = async function* () {
  yield { part: { case: 'carrier', value: new Uint8Array(10) } };
};
const liesAboutLength: HideHandler = async function* () {
  yield { part: { case: 'carrier', value: new Uint8Array(10) } };
  yield { part: { case: 'done', value: { carrierBytes: 11 } } };
};
const endless: HideHandler = async function* () {
  for (;;) yield { part: { case: 'carrier', value: new Uint8Array(1_048_576) } };
};

/** A cloud of one server, at which the leaders of one attempt after another are played. */
async function ringOf(t: Parameters<typeof cloudOf>[0], ...leaders: readonly HideHandler[]) {
  const elected: string[] = [];
  const ring: { address?: string } = {};
  const serving: Serving = {
    election: {
      async elect({ requestId, sealedBytes }) {
        elected.push(`${Buffer.from(requestId).toString('hex').slice(0, 2)} ${sealedBytes}`);
        const ticket = { ticket: new Uint8Array(1), mac: new Uint8Array(32) };
        return { ticket, leader: `l${elected.length}`, leaderAddress: ring.address! };
      },
    },
    stego: { hide: (requests, context) => leaders[elected.length - 1]!(requests, context) },
  };
  const cloud = await cloudOf(t, serving);
  ring.address = cloud.servers[0]!.address;
  return { cloud, elected };
}

async function hidden({ cloud, at }: TestCloud) {
  const discarded: number[] = [];
  const steps: string[] = [];
  const begin = async (): Promise<CarrierSink<{ leader: string; bytes: Buffer }>> => {
    const pieces: Uint8Array[] = [];
    return {
      write: async (piece) => pieces.push(piece) > 0,
      keep: async ({ leader }) => ({ leader, bytes: Buffer.concat(pieces) }),
      discard: async () => void discarded.push(pieces.length),
    };
  };
  const progress = (step: string, leader: string): void => {
    const now = `${step} ${leader}`.trim();
    if (steps.at(-1) !== now) steps.push(now);
  };
  const kept = await hide(cloud, at, hiding, begin, progress);
  return { kept, discarded, steps };
}

test.serial('an elected leader is given cover and payload, and what it returns is kept', async (t) => {
  const { cloud, elected } = await ringOf(t, works);
  const { kept, discarded, steps } = await hidden(cloud);
  t.deepEqual(kept.bytes, Buffer.concat([cover, sealed]));
  t.is(kept.leader, 'l1');
  t.deepEqual(discarded, []);
  t.deepEqual(steps, ['electing', 'hiding l1']);
  t.deepEqual(elected, [`01 ${sealed.length}`]);
});

for (const [name, leader] of [
  ['dies midway', diesMidway],
  ['ends early', endsEarly],
  ['lies about the length', liesAboutLength],
  ['sends without end', endless],
] as const) {
  test.serial(
    `when the leader ${name}, another is elected for the same request and the work is done again`,
    async (t) => {
      const { cloud, elected } = await ringOf(t, leader, works);
      const { kept, discarded } = await hidden(cloud);
      t.is(kept.leader, 'l2');
      t.deepEqual(kept.bytes, Buffer.concat([cover, sealed]), 'nothing of the first attempt is left');
      t.is(discarded.length, 1);
      t.deepEqual(elected, [`01 ${sealed.length}`, `01 ${sealed.length}`]);
    },
  );
}

test.serial(
  'photo after photo is hidden over one connection: no stream is left before its end',
  async (t) => {
    // nghttp2 forgives a thousand streams that are reset, and 33 a second more; then it ends the connection.
    const photos = 1_500;
    const doneAtOnce: HideHandler = async function* () {
      yield { part: { case: 'done', value: { carrierBytes: 0 } } };
    };
    const { cloud, elected } = await ringOf(t, ...Array.from({ length: 2 * photos }, () => doneAtOnce));
    for (let photo = 0; photo < photos; photo += 1) await hidden(cloud);
    t.is(elected.length, photos, 'as many elections as photos: no hiding was begun again');
  },
);

test.serial('a stale ticket is exchanged, a full leader left; a bad cover is refused at once', async (t) => {
  const refuses = (reason: ConstructorParameters<typeof Refused>[0]): HideHandler =>
    async function* () {
      throw new Refused(reason, 'no');
    };
  for (const reason of [Reason.TICKET_STALE, Reason.TRY_LATER] as const) {
    const again = await ringOf(t, refuses(reason), works);
    t.is((await hidden(again.cloud)).kept.leader, 'l2');
  }
  const bad = await ringOf(t, refuses(Reason.BAD_COVER), works);
  const error = await t.throwsAsync(hidden(bad.cloud), { instanceOf: Refused });
  t.is(error.reason, Reason.BAD_COVER);
  t.is(bad.elected.length, 1);
});
