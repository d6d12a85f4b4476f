import test from 'ava';
import { looksLikePhoto } from '../../../../client/gallery/rules/kinds.js';

test('only what is named like a picture is looked at', (t) => {
  for (const name of ['a.jpg', 'A.JPEG', 'x.y.Png', 'b.heic', 'c.svg', 'd.tif'])
    t.true(looksLikePhoto(name), name);
  for (const name of ['a.txt', 'jpg', 'a.jpg.part', 'film.mov', 'Thumbs.db'])
    t.false(looksLikePhoto(name), name);
});
