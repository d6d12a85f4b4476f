import test from 'ava';
import { formatAddress, parseAddress } from '../../core/address.js';

for (const text of ['127.0.0.1:7610', 'localhost:0', 'a.example.org:65535', '[::1]:7611', '[fe80::1]:1']) {
  test(`${text} is an address`, (t) => {
    const address = parseAddress(text);
    t.truthy(address);
    t.is(formatAddress(address!), text);
  });
}

for (const text of [
  '',
  'localhost',
  ':7610',
  'localhost:',
  'localhost:65536',
  'localhost:007',
  'localhost:1e3',
  '::1:7610',
  '[::1]',
  '[127.0.0.1]:1',
  'unix:/run/secret.sock',
  'unix:7610/..',
  'xds:///cloud:443',
  'dns:///a:1',
  'user@host:1',
  'a b:1',
  'host\n:1',
  '-a:1',
  `${'a'.repeat(255)}:1`,
]) {
  test(`${JSON.stringify(text).slice(0, 40)} is none`, (t) => {
    t.is(parseAddress(text), undefined);
  });
}
