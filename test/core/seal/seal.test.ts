import test from 'ava';
import fc from 'fast-check';
import { FormatError } from '../../../core/format-error.js';
import { open, plainBytes, seal, sealedBytes } from '../../../core/seal/seal.js';
import { collect, cutAt, inChunks, patterned, places, same } from '../streams.js';

const segment = 65_536;
const key = patterned(32, 7);
const lengths = [0, 1, 15, 16, 17, segment - 1, segment, segment + 1, 2 * segment - 1, 2 * segment, 200_000];
const length = fc.oneof(fc.constantFrom(...lengths), fc.nat({ max: 3 * segment }));

const opened = (sealed: AsyncIterable<Uint8Array>, with_ = key) => collect(open(with_, sealed, 'cloud-lock'));
const sealed = (plain: Uint8Array) => collect(seal(key, inChunks(plain, 50_000)));
const damaged = { instanceOf: FormatError, message: /^cloud-lock: / };

test('the length of what is sealed is known before, and back', async (t) => {
  for (const bytes of lengths) {
    t.is((await sealed(patterned(bytes, 1))).length, sealedBytes(bytes));
    t.is(plainBytes(sealedBytes(bytes)), bytes);
  }
  for (const impossible of [0, 1, 15, segment + 16 + 1, segment + 16 + 16])
    t.is(plainBytes(impossible), undefined);
});

test('what was sealed opens, however both streams are cut', async (t) => {
  const cases = length.chain((bytes) =>
    fc.tuple(fc.constant(patterned(bytes, bytes)), places(bytes), places(sealedBytes(bytes))),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ([plain, first, second]) => {
      const whole = await collect(seal(key, cutAt(plain, first)));
      t.true(same(await opened(cutAt(whole, second)), plain));
    }),
    { numRuns: 60 },
  );
});

test('byte by byte is the same as whole', async (t) => {
  const plain = patterned(segment + 100, 3);
  const whole = await sealed(plain);
  t.true(same(await collect(seal(key, inChunks(plain, 1))), whole));
  t.true(same(await opened(inChunks(whole, 1)), plain));
});

test('a changed byte is found', async (t) => {
  await fc.assert(
    fc.asyncProperty(length, fc.nat(), fc.integer({ min: 1, max: 255 }), async (bytes, place, change) => {
      const changed = await sealed(patterned(bytes, 2));
      changed[place % changed.length]! ^= change;
      await t.throwsAsync(opened(inChunks(changed, 70_000)), damaged);
    }),
    { numRuns: 60 },
  );
});

test('a stream that ends early is found, at every place', async (t) => {
  await fc.assert(
    fc.asyncProperty(length, fc.nat(), async (bytes, place) => {
      const whole = await sealed(patterned(bytes, 2));
      await t.throwsAsync(opened(inChunks(whole.subarray(0, place % whole.length), 70_000)), damaged);
    }),
    { numRuns: 60 },
  );
  const three = await sealed(patterned(3 * segment, 2));
  for (const segments of [0, 1, 2]) {
    await t.throwsAsync(opened(inChunks(three.subarray(0, segments * (segment + 16)), 70_000)), damaged);
  }
});

test('segments cannot be swapped, repeated, or followed', async (t) => {
  const whole = await sealed(patterned(3 * segment, 2));
  const at = (index: number) => whole.subarray(index * (segment + 16), (index + 1) * (segment + 16));
  const orders = [[1, 0, 2], [0, 0, 2], [0, 1, 2, 2], [0, 2], [2]];
  for (const order of orders) {
    await t.throwsAsync(opened(inChunks(Buffer.concat(order.map(at)), 70_000)), damaged);
  }
  await t.throwsAsync(opened(inChunks(Buffer.concat([whole, new Uint8Array(1)]), 70_000)), damaged);
});

test('another key opens nothing, and the lock is named', async (t) => {
  const whole = await sealed(patterned(100, 2));
  await t.throwsAsync(collect(open(patterned(32, 8), inChunks(whole, 9), 'owner-lock')), {
    instanceOf: FormatError,
    message: /^owner-lock: /,
  });
});
