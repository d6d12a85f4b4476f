import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { peers } from '../../../client/commands/peers.js';

const bob = {
  ...{ name: 'bob', online: true, address: '127.0.0.1:7', fingerprint: 'dznk-v2xa' },
  ...{ verified: true, policy: 'browse' as const, changed: false },
};

test('who comes with another key than the one that was verified is not shown as verified', (t) => {
  const lineOf = (changed: boolean) =>
    stripVTControlCharacters(peers.draw([{ ...bob, changed }])).split('\n')[1];
  t.is(lineOf(false), 'bob   yes     127.0.0.1:7  yes       browse  dznk-v2xa');
  t.is(lineOf(true), 'bob   yes     127.0.0.1:7  NEW KEY: verify  browse  dznk-v2xa');
});
