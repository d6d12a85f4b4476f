import test from 'ava';
import fc from 'fast-check';
import { byName, nameTrouble, printable } from '../../../../client/gallery/rules/names.js';
import type { NameTrouble } from '../../../../client/gallery/rules/names.js';

const cases: [string, NameTrouble | undefined][] = [
  ['cat.jpg', undefined],
  ['pets/old/cat.jpg', undefined],
  ['pets/Zoë 🐈.jpg', undefined],
  ['../cat.jpg', 'outside'],
  ['pets/../../cat.jpg', 'outside'],
  ['/etc/cat.jpg', 'outside'],
  ['pets//cat.jpg', 'outside'],
  ['..\\cat.jpg', 'outside'],
  ['.', 'outside'],
  ['', 'outside'],
  ['.cat.jpg', 'hidden'],
  ['.git/cat.jpg', 'hidden'],
  ['a\nb.jpg', 'unprintable'],
  ['\u001b[31mred.jpg', 'unprintable'],
  ['gpj.\u202Etxt.jpg', 'unprintable'],
  ['a/b/c/d/cat.jpg', 'too-deep'],
  [`${'x'.repeat(1_021)}.jpg`, 'too-long'],
];

for (const [name, trouble] of cases) {
  test(`${JSON.stringify(name.slice(0, 40))}: ${trouble ?? 'served'}`, (t) =>
    t.is(nameTrouble(name, 3), trouble));
}

test('a name that is served cannot lead out of its folder, nor upset a terminal', (t) => {
  const piece = fc.constantFrom('.', '..', '/', '\\', 'a', '\u0000', '\u001b', '\u2066', '~', ' ', 'é');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const name = pieces.join('');
      if (nameTrouble(name, 9) !== undefined) return;
      t.false(name.split('/').some((part) => part === '..' || part === '' || part.startsWith('.')));
      t.is(printable(name), name);
    }),
  );
  t.is(printable('a\nb'), 'a\uFFFDb');
});

test('the order is total and the same everywhere', (t) => {
  const names = ['b.jpg', 'a/c.jpg', 'B.jpg', 'a.jpg', 'ä.jpg'].map((name) => ({ name }));
  t.deepEqual(
    names.sort(byName).map(({ name }) => name),
    ['B.jpg', 'a.jpg', 'a/c.jpg', 'b.jpg', 'ä.jpg'],
  );
});
