/** Files that are not what they were: told for what they are, before a view is spent. */
import { copyFile, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { exitCodeOf, Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { Ending, aliceAndBob, listing, newcomer, startCloud } from './clouds.js';
import type { RunningCloud, TestClient } from './clouds.js';

const ending = new Ending();
let cloud: RunningCloud;
let bob: TestClient;
let carol: TestClient;
let files: { whole: string; other: string; carols: string; folder: string };
test.before(async () => {
  cloud = await startCloud(ending, 1);
  const both = await aliceAndBob(ending, cloud);
  bob = both.bob;
  carol = await newcomer(ending, cloud, 'carol');
  await both.alice.engine.allow('carol', 'request');
  await listing(bob, 'alice');
  const whole = (await bob.engine.request('alice', '1')).file;
  const other = (await bob.engine.request('alice', '2')).file;
  await listing(carol, 'alice');
  const carols = (await carol.engine.request('alice', '1')).file;
  files = { whole, other, carols, folder: await ending.folder() };
});
test.after.always(ending.all);

const spent = async (): Promise<(number | null)[]> => (await bob.engine.inbox()).map(({ used }) => used);
/** Without the photo's bytes, which would fill the screen where a test fails. */
const seen = async (file: string): Promise<string> => (await bob.engine.view(file)).shown;
const copy = async (from: string, name: string): Promise<string> => {
  const to = path.join(files.folder, name);
  await copyFile(from, to);
  return to;
};
/** 16 bits in and out, as a program would save it that knows PNG and not us. */
const sixteen = (file: string) => sharp(file).toColourspace('rgb16');

test.serial(
  'a copy anywhere, and one that another program saved whole, open as the original does',
  async (t) => {
    const elsewhere = await copy(files.whole, 'copy of holiday.png');
    t.like(await bob.engine.view(elsewhere), { shown: 'photo', remaining: 1 });
    const resaved = path.join(files.folder, 'resaved.png');
    await sixteen(files.whole).png().toFile(resaved);
    t.like(await bob.engine.view(resaved), { shown: 'photo', remaining: 0 });
  },
);

const damages: Readonly<Record<string, (file: string) => Promise<string>>> = {
  'saved with 8 bits': async (file) => {
    const to = path.join(files.folder, 'eight.png');
    await sharp(file).png().toFile(to);
    return to;
  },
  'saved as JPEG': async (file) => {
    const to = path.join(files.folder, 'lossy.jpg');
    await sharp(file).jpeg().toFile(to);
    return to;
  },
  cropped: async (file) => {
    const to = path.join(files.folder, 'cropped.png');
    const { width, height } = await sharp(file).metadata();
    await sixteen(file)
      .extract({ left: 0, top: 0, width: width - 3, height: height - 3 })
      .png()
      .toFile(to);
    return to;
  },
  scaled: async (file) => {
    const to = path.join(files.folder, 'scaled.png');
    const { width } = await sharp(file).metadata();
    await sixteen(file)
      .resize(width + 8)
      .png()
      .toFile(to);
    return to;
  },
  truncated: async (file) => {
    const to = await copy(file, 'truncated.png');
    await truncate(to, 100_000);
    return to;
  },
  empty: async () => {
    const to = path.join(files.folder, 'empty.png');
    await writeFile(to, '');
    return to;
  },
  'with a bit flipped': async (file) => {
    const bytes = await readFile(file);
    bytes[bytes.length >> 1]! ^= 4;
    const to = path.join(files.folder, 'flipped.png');
    await writeFile(to, bytes);
    return to;
  },
  'spliced from two': async (file) => {
    const [head, tail] = await Promise.all([readFile(file), readFile(files.whole)]);
    const to = path.join(files.folder, 'spliced.png');
    await writeFile(to, Buffer.concat([head.subarray(0, head.length >> 1), tail.subarray(tail.length >> 1)]));
    return to;
  },
  'with the payload of another behind its own slot': async (file) => {
    const [mine, others] = await Promise.all(
      [sixteen(file), sixteen(files.whole)].map((one) =>
        one.raw({ depth: 'ushort' }).toBuffer({ resolveWithObject: true }),
      ),
    );
    const { width, height, channels } = others!.info;
    const pixels = Buffer.from(others!.data);
    mine!.data.copy(pixels, 0, 0, 2 * 3 * 2_048);
    const to = path.join(files.folder, 'moved.png');
    await sharp(new Uint16Array(pixels.buffer, pixels.byteOffset, pixels.length / 2), {
      raw: { width, height, channels },
    })
      .toColourspace('rgb16')
      .png()
      .toFile(to);
    return to;
  },
};

for (const [name, damage] of Object.entries(damages)) {
  test.serial(`a picture ${name} is said to be damaged, and costs no view`, async (t) => {
    const before = await spent();
    const error = await t.throwsAsync(seen(await damage(files.other)), { name: 'FormatError' });
    t.is(exitCodeOf(error), 1);
    t.deepEqual(await spent(), before);
  });
}

test.serial('a picture for someone else is said to be that', async (t) => {
  const error = await t.throwsAsync(seen(files.carols), { instanceOf: Refused });
  t.is(error.reason, Reason.NOT_YOURS);
  t.is(exitCodeOf(error), 6);
  t.deepEqual(
    (await carol.engine.inbox()).map(({ used }) => used),
    [0],
  );
});

test.serial('a grant that is not there, and one that was forgotten', async (t) => {
  const unknown = await t.throwsAsync(bob.engine.view('ffffffff'), { instanceOf: Refused });
  t.is(unknown.reason, Reason.UNKNOWN_GRANT);
  const [held] = await bob.engine.inbox();
  await bob.engine.forget(held!.grant);
  t.is((await bob.engine.inbox()).length, 1);
  const forgotten = await t.throwsAsync(bob.engine.view(held!.grant), { instanceOf: Refused });
  t.is(forgotten.reason, Reason.UNKNOWN_GRANT);
});
