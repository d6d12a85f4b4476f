import test from 'ava';
import fc from 'fast-check';
import { jsonLine, printable, printableWithin } from '../../../../client/web/rules/printable.js';

const anyText = fc.string({ unit: 'binary' });
const dangerous = /[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u;

test('no control character is left, and nothing else is touched', (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      const made = printable(text);
      t.notRegex(made, dangerous);
      t.is(made.length, text.length);
      if (!dangerous.test(text)) t.is(made, text);
    }),
  );
  t.is(printable('été 日本 👩‍🚀.jpg'), 'été 日本 👩‍🚀.jpg');
});

test('a value of JSON keeps its shape', (t) => {
  const value = { name: 'a\u001b[2Jb', sizes: [1, null, true], inner: { text: '\u202eevil' } };
  t.deepEqual(printableWithin(value), {
    name: 'a\ufffd[2Jb',
    sizes: [1, null, true],
    inner: { text: '\ufffdevil' },
  });
});

test('JSON is one harmless line that says the same', (t) => {
  fc.assert(
    fc.property(fc.dictionary(anyText, anyText), (value) => {
      const line = jsonLine(value);
      t.notRegex(line, dangerous);
      t.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify(value)));
    }),
  );
});
