import test from 'ava';
import { network } from '../../../core/rpc/connection.js';

const networks: Readonly<Record<string, string>> = {
  '192.0.2.7': '192.0.2.7',
  '::ffff:192.0.2.7': '192.0.2.7',
  '2001:db8:1:2:3:4:5:6': '2001:db8:1:2::/64',
  '2001:db8::6': '2001:db8:0:0::/64',
  '2001:DB8:1:2::': '2001:db8:1:2::/64',
  '::1': '0:0:0:0::/64',
  'fe80::1%eth0': 'fe80:0:0:0::/64',
};

for (const [address, expected] of Object.entries(networks)) {
  test(`${address} is of ${expected}`, (t) => t.is(network(address), expected));
}
