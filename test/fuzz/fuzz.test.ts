import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { decoders } from './decoders.js';
import { fuzz, inputOf, wrongWith } from './fuzz.js';
import { SMALL } from './target.js';
import type { Target } from './target.js';

const inputs = 150;
const seed = Number(process.env['GLIMPSE_FUZZ_SEED'] ?? 1);
const folder = 'test/fuzz/findings';

for (const target of decoders) {
  test.serial(`${target.name}: whatever comes is read or refused`, async (t) => {
    t.deepEqual(await fuzz(target, { seed, from: 0, to: inputs }), []);
  });
}

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  test.serial(`${file} is mended`, async (t) => {
    const [head = '', hex = ''] = readFileSync(path.join(folder, file), 'utf8').split('\n\n');
    const name = /^target: (.*)$/m.exec(head)?.[1];
    const target = decoders.find((one) => one.name === name);
    // Those of handlers are tried again where there is a server: test/system/fuzz.test.ts.
    if (target) t.is(await wrongWith(target, Buffer.from(hex.trim(), 'hex')), undefined);
    else t.pass();
  });
}

const planted = (read: Target['read'], more: Partial<Target> = {}): Target => ({
  name: 'planted',
  make: (random) => Buffer.from([random.integer(0, 255)]),
  refuses: () => false,
  ...SMALL,
  read,
  ...more,
});

test.serial('an input is drawn from its seed and number alone', (t) => {
  for (const target of decoders.slice(0, 4)) {
    t.deepEqual(inputOf(target, 3, 17), inputOf(target, 3, 17));
    t.notDeepEqual(inputOf(target, 3, 17), inputOf(target, 4, 17));
  }
});

test.serial('a decoder that throws what it should not is found', async (t) => {
  const throwing = planted(([byte = 0]) => {
    if (byte > 200) throw new TypeError('byte is not small');
  });
  const [finding] = await fuzz(throwing, { seed: 1, from: 0, to: 1_000 });
  t.regex(finding?.what ?? '', /TypeError: byte is not small/);
  t.true(Number.parseInt(finding!.input, 16) > 200);
});

test.serial('so is one that takes too much memory, or too long', async (t) => {
  const kept: Buffer[] = [];
  const greedy = planted(() => void kept.push(Buffer.alloc(200 * 1024 * 1024, 1)), { bytesMax: 1024 });
  t.regex((await wrongWith(greedy, new Uint8Array(1))) ?? '', /bytes of memory/);
  const slow = planted(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50), { msMax: 10 });
  t.regex((await wrongWith(slow, new Uint8Array(1))) ?? '', /it took \d+ ms/);
});
