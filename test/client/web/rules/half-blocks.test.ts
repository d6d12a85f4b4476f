import test from 'ava';
import fc from 'fast-check';
import type { Pixels } from '../../../../client/web/rules/half-blocks.js';
import { gridLines, halfBlockLines } from '../../../../client/web/rules/half-blocks.js';

const escape = String.fromCharCode(27);
const paint = new RegExp(
  `${escape}\\[38;2;(\\d+);(\\d+);(\\d+)(?:;48;2;(\\d+);(\\d+);(\\d+))?m|${escape}\\[0m|▀`,
  'g',
);

/** A terminal that understands what is drawn, and nothing else: any other byte fails. */
function read(lines: readonly string[]): { rows: number[][]; plain: boolean } {
  const rows: number[][] = [];
  let plain = true;
  for (const line of lines) {
    const upper: number[] = [];
    const lower: number[] = [];
    let colours: number[] = [];
    plain &&= line.replace(paint, '') === '';
    for (const found of line.matchAll(paint)) {
      if (found[0] === '▀') {
        upper.push(...colours.slice(0, 3));
        lower.push(...colours.slice(3));
      } else
        colours = found
          .slice(1)
          .filter((part) => (part as string | undefined) !== undefined)
          .map(Number);
    }
    rows.push(upper);
    if (lower.length > 0) rows.push(lower);
  }
  return { rows, plain };
}

const pixels: fc.Arbitrary<Pixels> = fc
  .record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: 3 * width * height, maxLength: 3 * width * height })
      .map((rgb) => ({ width, height, rgb })),
  );

test('what is drawn is read back pixel by pixel, odd heights too', (t) => {
  fc.assert(
    fc.property(pixels, (picture) => {
      const { rows, plain } = read(halfBlockLines(picture));
      t.true(plain);
      t.is(rows.length, picture.height);
      t.deepEqual(rows.flat(), [...picture.rgb]);
    }),
  );
});

test('every line ends with the colours put back', (t) => {
  const lines = halfBlockLines({ width: 2, height: 2, rgb: new Uint8Array(12) });
  t.deepEqual(
    lines.map((line) => line.endsWith(`${escape}[0m`)),
    [true],
  );
});

test('a grid fits the terminal and has every caption', (t) => {
  const cells = Array.from({ length: 5 }, (_, at) => ({ lines: ['xx', 'xx'], width: 2, caption: `n${at}` }));
  const rows = gridLines(cells, 6, 22);
  t.true(rows.every((row) => row.length <= 22));
  t.deepEqual(rows.join(' ').match(/n\d/g), ['n0', 'n1', 'n2', 'n3', 'n4']);
  t.is(rows.length, 2 * (2 + 2), 'two rows of cells, each with caption and space');
});

test('a terminal narrower than a cell has one a row', (t) => {
  const cells = [1, 2].map((at) => ({ lines: ['x'], width: 1, caption: `n${at}` }));
  t.is(gridLines(cells, 6, 3).filter((row) => row.includes('n')).length, 2);
});
