/** Other programs read our PNGs: pngcheck and the tools of libvips, both of Debian. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { readCarrier } from '../../core/carrier/read.js';
import { bytesSource } from '../../core/carrier/source.js';
import { carrierOf, coverFor, slot } from '../core/carrier/samples.js';
import { collect, patterned, same } from '../core/streams.js';
import { program } from './prerequisites.js';

const run = (file: string, args: readonly string[]) => promisify(execFile)(file, args, { timeout: 60_000 });
const payload = patterned(1_300_000, 4);

function temporary(t: ExecutionContext, extension: string): string {
  const name = path.join(tmpdir(), `${randomUUID()}.${extension}`);
  t.teardown(() => rm(name, { force: true }));
  return name;
}

for (const compression of ['fast', 'small'] as const) {
  test(`pngcheck finds nothing wrong, ${compression}`, async (t) => {
    const pngcheck = program(t, 'pngcheck');
    if (pngcheck === undefined) return;
    const name = temporary(t, 'png');
    await writeFile(name, await carrierOf(payload, compression));
    const { stdout } = await run(pngcheck, ['-v', name]);
    t.regex(stdout, /No errors detected/);
    t.regex(stdout, /48-bit RGB, non-interlaced/);
  });

  test(`vips shows the cover and saves all 16 bits anew, ${compression}`, async (t) => {
    const vips = program(t, 'vips', 'libvips-tools');
    if (vips === undefined) return;
    const [name, shown, anew] = [temporary(t, 'png'), temporary(t, 'raw'), temporary(t, 'png')];
    const file = await carrierOf(payload, compression);
    await writeFile(name, file);

    await run(vips, ['colourspace', name, `${shown}.v`, 'srgb']);
    t.teardown(() => rm(`${shown}.v`, { force: true }));
    await run(vips, ['rawsave', `${shown}.v`, shown]);
    const { shape } = await readCarrier(bytesSource(file));
    t.true(same(await readFile(shown), coverFor(shape)));

    await run(vips, ['copy', name, anew]);
    const carrier = await readCarrier(bytesSource(await readFile(anew)));
    t.true(carrier.resaved);
    t.true(same(carrier.slot, slot));
    t.true(same(await collect(carrier.payload(payload.length)), payload));
  });
}
