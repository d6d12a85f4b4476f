import test from 'ava';
import sharp from 'sharp';
import { curves, scale } from '../../../bench/harness/chart.js';

test('a linear scale begins at 0 and ends on a round figure', (t) => {
  const { ticks, at } = scale([3, 47], { label: '' }, 0, 100);
  t.deepEqual(ticks, [0, 10, 20, 30, 40, 50]);
  t.is(at(0), 0);
  t.is(at(50), 100);
});

test('a logarithmic scale has a step for each power of ten', (t) => {
  const { ticks, at } = scale([0.2, 40], { label: '', logarithmic: true }, 0, 300);
  t.deepEqual(ticks, [0.1, 1, 10, 100]);
  t.is(Math.round(at(1)), 100);
});

test('a chart is a picture that others can draw, whatever its words', async (t) => {
  const svg = curves({
    title: 'this < that & more',
    x: { label: 'MB', logarithmic: true },
    y: { label: 'MB/s' },
    series: [{ name: 'fast', points: [[0.2, 100], [4, 200]] }], // prettier-ignore
  });
  t.true(svg.includes('this &lt; that &amp; more'));
  const { width, height } = await sharp(Buffer.from(svg)).metadata();
  t.deepEqual([width, height], [720, 420]);
  t.throws(() => scale([], { label: '' }, 0, 1), { instanceOf: RangeError });
});
