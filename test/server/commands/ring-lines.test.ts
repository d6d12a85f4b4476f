import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { ringLines } from '../../../core/ring-lines.js';
import { changeKey, ringLine, ringTable } from '../../../server/commands/ring-lines.js';
import { view } from '../../core/ring-of-three.js';

test('a swaying load is no news, a grant is', (t) => {
  const calm = ringLines(view(0.1));
  t.is(changeKey(calm), changeKey(ringLines(view(0.9))));
  const granted = { ...calm, servers: calm.servers.map((server) => ({ ...server, granted: 9 })) };
  t.not(changeKey(calm), changeKey(granted));
});

test('the table has a line a member, the line all of them', (t) => {
  const ring = ringLines(view(0));
  t.is(
    stripVTControlCharacters(ringTable(ring)),
    [
      'id  state     load              in flight  granted  epoch 3.s1',
      's1  alive     █████░░░░░  0.50          2        5',
      's2  draining  ░░░░░░░░░░  0.00          0        0',
      's3  dead      ░░░░░░░░░░  0.00          0        0',
    ].join('\n'),
  );
  t.is(
    ringLine(ring),
    'epoch 3.s1: s1 alive, 2 in flight, 5 granted; s2 draining, 0 in flight, 0 granted; s3 dead, 0 in flight, 0 granted',
  );
});
