import test from 'ava';
import { isAnothers, usersIn } from '../../../client/web/loopback.js';

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:81E5 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1767493 1 0 100 0 0 10 0
   1: 0100007F:9C40 0100007F:81E5 01 00000000:00000000 00:00000000 00000000  1001        0 1767494 1 0 20 4 30 10 -1
   2: 0100007F:81E5 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 1767495 1 0 20 4 30 10 -1
`;

test('the user is that of the socket at the other end', (t) => {
  t.deepEqual(usersIn(table, { from: 0x9c40, to: 0x81e5 }), [1001]);
  t.deepEqual(usersIn(table, { from: 0x81e5, to: 0x9c40 }), [1000]);
  t.deepEqual(usersIn(table, { from: 0x9c41, to: 0x81e5 }), []);
  t.deepEqual(usersIn('', { from: 1, to: 2 }), []);
});

test('of what the system does not tell nothing is held against anyone', (t) => {
  t.false(isAnothers({ from: 0, to: 0 }));
});
