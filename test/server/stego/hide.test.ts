import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import sharp from 'sharp';
import { coverOf } from '../../../core/carrier/cover.js';
import { readCarrier } from '../../../core/carrier/read.js';
import { bytesSource } from '../../../core/carrier/source.js';
import { Refused } from '../../../core/rpc/errors.js';
import { cloudKey } from '../../../core/seal/keys.js';
import { open, sealedBytes } from '../../../core/seal/seal.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { Compression, Stego } from '../../../gen/glimpse/v1/stego_pb.js';
import type { HideBegun, HideDone, HideResponse } from '../../../gen/glimpse/v1/stego_pb.js';
import { Hiding } from '../../../server/stego/hide.js';
import { STEGO_LIMITS } from '../../../server/stego/limits.js';
import { stegoHandlers } from '../../../server/stego/service.js';
import { listen, nobody } from '../../core/rpc/listening.js';
import { collect, patterned, same } from '../../core/streams.js';
import { bands, imageId, makeLeader, owner, partsOf, requestsOf, secret } from './hiding.js';
import type { Leader, Part, Sending } from './hiding.js';

const photo = await readFile('test/photos/landscapes/nagasaki-boats.jpg');
const cover = await sharp('test/photos/locomotion-house-cat.jpg').resize(640).jpeg().toBuffer();
const sending: Sending = { cover, sealed: patterned(500_000, 1) };

const refused = (reason: Reason) => (error: unknown) => error instanceof Refused && error.reason === reason;

test.after.always(() => bands.close());

function serve(t: ExecutionContext, leader: Leader) {
  const ledger = { spend: nobody, confirm: nobody };
  const callers = { caller: () => Promise.resolve({ fingerprint: owner }) };
  return listen(t, Stego, stegoHandlers({ ...leader, ledger, callers }));
}

interface Hidden {
  readonly begun: HideBegun;
  readonly carrier: Buffer;
  readonly done: HideDone;
}

async function gathered(responses: AsyncIterable<HideResponse>): Promise<Hidden> {
  let begun: HideBegun | undefined;
  let done: HideDone | undefined;
  const pieces: Uint8Array[] = [];
  for await (const { part } of responses) {
    if (part.case === 'begun') begun = part.value;
    if (part.case === 'carrier') pieces.push(part.value);
    if (part.case === 'done') done = part.value;
  }
  return { begun: begun!, carrier: Buffer.concat(pieces), done: done! };
}

test('what is hidden comes back with the key that the rights name, over the wire', async (t) => {
  const leader = makeLeader();
  const { client, failures } = await serve(t, leader);
  for (const compression of [Compression.FAST, Compression.SMALL, Compression.UNSPECIFIED]) {
    const sealed = Buffer.concat([photo, patterned(2_000_000, compression)]);
    const requests = requestsOf(partsOf({ cover, sealed, compression }));
    const { begun, carrier, done } = await gathered(client.hide(requests));

    t.is(begun.leader, 's1');
    t.is(done.carrierBytes, carrier.length);
    t.is(done.payloadBytes, sealedBytes(sealed.length));
    const read = await readCarrier(bytesSource(carrier));
    t.deepEqual(read.shape, { width: begun.width, height: begun.height });
    const payload = await collect(read.payload(done.payloadBytes));
    t.true(same(createHash('sha256').update(payload).digest(), done.payloadDigest));
    const key = cloudKey(secret, { sealId: done.sealId, ownerFingerprint: owner, imageId });
    t.true(same(await collect(open(key, read.payload(done.payloadBytes), 'cloud-lock')), sealed));
  }
  t.deepEqual(failures, []);
  t.is(leader.admission.begun, 3);
  t.is(leader.admission.inFlight, 0);
});

test('a picture of several bands shows the cover, resized', async (t) => {
  const { client } = await serve(t, makeLeader());
  const sealed = patterned(2_500_000, 2);
  const { begun, carrier } = await gathered(client.hide(requestsOf(partsOf({ cover, sealed }))));
  const shown = await sharp(await coverOf(bytesSource(carrier)))
    .raw()
    .toBuffer();
  const { data, info } = await sharp(cover).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const resized = await sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } })
    .resize(begun.width, begun.height, { fit: 'fill' })
    .raw()
    .toBuffer();
  t.true(same(shown, resized));
});

test('hiding again never uses a key again', async (t) => {
  const { client } = await serve(t, makeLeader());
  const once = await gathered(client.hide(requestsOf(partsOf(sending))));
  const again = await gathered(client.hide(requestsOf(partsOf(sending))));
  t.false(same(once.done.sealId, again.done.sealId));
  t.false(same(once.done.payloadDigest, again.done.payloadDigest));
});

const parts = [...partsOf(sending)];
const last = parts.length - 1;
const misuses: Record<string, readonly Part[]> = {
  'nothing at all': [],
  'no header': parts.slice(1),
  'a second header': [parts[0]!, ...parts],
  'the payload before the cover': [parts[0]!, parts[last]!, ...parts.slice(1)],
  'no payload': parts.slice(0, 3),
  'a payload that stops': parts.slice(0, last),
  'a payload that goes on': [...parts, parts[last]!],
  'a cover that goes on': [...parts.slice(0, 2), parts[1]!, ...parts.slice(2)],
  'an empty piece': [...parts.slice(0, 2), { case: 'cover', value: new Uint8Array(0) }, ...parts.slice(2)],
};
for (const [name, sent] of Object.entries(misuses)) {
  test(`not as declared: ${name}`, async (t) => {
    const leader = makeLeader();
    const { client } = await serve(t, leader);
    const error = await t.throwsAsync(gathered(client.hide(requestsOf(sent))));
    t.true(refused(Reason.BAD_STREAM)(error), String(error));
    t.is(leader.admission.inFlight, 0);
  });
}

test('without a ticket that the election admits nothing is done', async (t) => {
  const leader = makeLeader();
  leader.admission.begin = () => {
    throw new Refused(Reason.TICKET_STALE, 'too late');
  };
  let decoded = 0;
  const raster = () => Promise.reject(new Error(`decoded ${(decoded += 1)}`));
  const { client } = await serve(t, { ...leader, covers: { raster } });
  const error = await t.throwsAsync(gathered(client.hide(requestsOf(partsOf(sending)))));
  t.true(refused(Reason.TICKET_STALE)(error));
  t.is(decoded, 0);
});

test('an owner who goes away leaves nothing in flight', async (t) => {
  const leader = makeLeader();
  const { client } = await serve(t, leader);
  const ending = leader.admission.ending();
  const cancelled = new AbortController();
  const { signal } = cancelled;
  const responses = client.hide(requestsOf(partsOf(sending)), { signal })[Symbol.asyncIterator]();
  const first = await responses.next();
  t.is(first.done === true ? undefined : first.value.part.case, 'begun');
  cancelled.abort(new Error('gone'));
  await t.throwsAsync(Promise.resolve(responses.next()), { message: 'gone' });
  await ending;
  t.is(leader.admission.inFlight, 0);
});

test('who comes when all places are taken waits with the work in flight, and is refused with the ticket kept when too many do', async (t) => {
  const { hidesMax, waitingMax } = STEGO_LIMITS;
  const leader = makeLeader();
  const hiding = new Hiding(leader);
  const begin = () => hiding.hide(owner, requestsOf(partsOf(sending)))[Symbol.asyncIterator]();
  const running = [];
  for (let count = 0; count < hidesMax; count += 1) {
    const responses = begin();
    await responses.next();
    running.push(responses);
  }
  const waiting = Array.from({ length: waitingMax }, () => begin().next());
  for (const one of waiting) one.catch(() => undefined);
  const error = await t.throwsAsync(begin().next());
  t.true(refused(Reason.TRY_LATER)(error));
  t.is(leader.admission.begun, hidesMax + waitingMax);

  await Promise.all(running.map((one) => one.return!()));
  // On a busy machine some have waited too long by now: they were told so, and that is an end too.
  const ends = await Promise.allSettled(waiting.slice(0, hidesMax));
  t.true(ends.every((end) => end.status === 'fulfilled' || refused(Reason.TRY_LATER)(end.reason)));
});

test('no more of the payload is taken in than the reader of the carrier makes room for', async (t) => {
  const sealed = patterned(12_000_000, 1);
  let taken = 0;
  function* counted() {
    for (const part of partsOf({ cover, sealed })) {
      taken += part.value instanceof Uint8Array ? part.value.length : 0;
      yield part;
    }
  }
  const responses = new Hiding(makeLeader()).hide(owner, requestsOf(counted()))[Symbol.asyncIterator]();
  t.teardown(() => responses.return!());
  for (let pieces = 0; pieces < 4; pieces += 1) await responses.next();
  t.true(taken < 3_000_000, `${taken} bytes were taken in before anything was read`);
});
