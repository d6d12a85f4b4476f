import { readFile } from 'node:fs/promises';
import test from 'ava';
import sharp from 'sharp';
import { drawGrid, drawPicture } from '../../../client/web/terminal.js';

const photo = () => readFile('test/photos/locomotion-house-cat.jpg');
const cellsOf = (line: string) => line.split('▀').length - 1;

test('a photograph fits the terminal, in colours', async (t) => {
  const drawn = await drawPicture(await photo(), { columns: 60, rows: 20 });
  const lines = drawn?.split('\n') ?? [];
  t.true(lines.length > 5 && lines.length <= 20);
  const cells = lines.map(cellsOf);
  t.true(cells.every((count) => count === cells[0] && count <= 60));
  t.true(new Set(drawn?.match(/38;2;\d+;\d+;\d+/g)).size > 50);
});

test('greyscale, transparent and 16-bit pictures are drawn', async (t) => {
  const grey = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'grey' } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  const clear = await sharp({ create: { width: 9, height: 9, channels: 4, background: '#ff000000' } })
    .png()
    .toBuffer();
  const deep = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  const room = { columns: 20, rows: 10 };
  t.regex((await drawPicture(grey, room)) ?? '', /38;2;128;128;128/);
  t.regex((await drawPicture(clear, room)) ?? '', /38;2;255;255;255/);
  t.regex((await drawPicture(deep, room)) ?? '', /38;2;255;0;0/);
});

test('what is no photograph is not drawn', async (t) => {
  const room = { columns: 20, rows: 10 };
  t.is(await drawPicture(Buffer.from('not a picture'), room), undefined);
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
  t.is(await drawPicture(Buffer.from(svg), room), undefined);
  const bytes = await photo();
  t.is(await drawPicture(bytes.subarray(0, 200), room), undefined);
});

test('thumbnails stand in a grid, the broken ones left out', async (t) => {
  const bytes = await photo();
  const grid = await drawGrid(
    [
      { bytes, caption: '1 cat.jpg' },
      { bytes: Buffer.from('broken'), caption: '2 broken.jpg' },
      { bytes, caption: '3 again.jpg' },
    ],
    { columns: 80, rows: 24 },
  );
  t.regex(grid, /1 cat\.jpg +3 again\.jpg/);
  t.notRegex(grid, /broken/);
});
