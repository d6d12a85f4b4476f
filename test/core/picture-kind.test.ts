import sharp from 'sharp';
import test from 'ava';
import fc from 'fast-check';
import { isRaster, kindBytes, kindOf } from '../../core/picture-kind.js';
import type { Kind } from '../../core/picture-kind.js';

const picture = () => sharp({ create: { width: 9, height: 7, channels: 3, background: '#a06040' } });
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const box = (...brands: string[]) =>
  bytes(
    `\0\0\0${String.fromCharCode(12 + 4 * brands.length)}ftyp${brands[0] ?? ''}\0\0\0\0${brands.slice(1).join('')}`,
  );

test('what a real encoder writes is known by its first bytes', async (t) => {
  const written: [Kind, Promise<Buffer>][] = [
    ['image/jpeg', picture().jpeg().toBuffer()],
    ['image/png', picture().png().toBuffer()],
    ['image/webp', picture().webp().toBuffer()],
    ['image/avif', picture().avif().toBuffer()],
    ['image/gif', picture().gif().toBuffer()],
    ['image/tiff', picture().tiff().toBuffer()],
    ['image/tiff', picture().tiff({ bigtiff: true }).toBuffer()],
  ];
  for (const [kind, file] of written) {
    t.is(kindOf((await file).subarray(0, kindBytes)), kind);
    t.true(isRaster(await file));
  }
});

const cases: [string, Uint8Array, Kind | undefined][] = [
  ['HEIC of a telephone', box('heic', 'mif1', 'heic'), 'heif'],
  ['AVIF that calls itself a MIAF first', box('mif1', 'avif', 'miaf'), 'image/avif'],
  ['a film', box('isom', 'iso2', 'mp41'), undefined],
  ['SVG', bytes('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'svg'],
  ['SVG with a prologue', bytes('\xef\xbb\xbf \n<?xml version="1.0"?><svg/>'), 'svg'],
  ['SVG, compressed', bytes('\x1f\x8b\x08'), 'svg'],
  ['text', bytes('hello'), undefined],
  ['nothing', new Uint8Array(), undefined],
];

for (const [what, head, kind] of cases) {
  test(`${what}: ${kind ?? 'no picture'}`, (t) => {
    t.is(kindOf(head), kind);
    t.is(isRaster(head), kind !== undefined && kind !== 'heif' && kind !== 'svg');
  });
}

test('no bytes whatever upset it', (t) => {
  const start = fc.constantFrom('\0\0\0\x18ftyp', '\0\0\0\0ftyp', '\xff\xff\xff\xffftyp', 'RIFF', '<', '');
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: kindBytes }), (from, rest) => {
      kindOf(new Uint8Array([...bytes(from), ...rest]));
      t.pass();
    }),
  );
});
