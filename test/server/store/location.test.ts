/** Where the store is, as people write it. */
import test from 'ava';
import { parseEtcdLocation } from '../../../server/store/location.js';

test('members have a port or etcd’s own, and a prefix of their own or ours', (t) => {
  t.deepEqual(parseEtcdLocation('etcd://a,b:2400,[::1]:1'), {
    members: ['a:2379', 'b:2400', '[::1]:1'],
    prefix: 'glimpse/',
  });
  t.deepEqual(parseEtcdLocation('etcd://10.0.0.1/clouds/one'), {
    members: ['10.0.0.1:2379'],
    prefix: 'clouds/one/',
  });
  t.is(parseEtcdLocation('etcd://a/')?.prefix, 'glimpse/');
});

test('what is no location is none, least of all one with a password in it', (t) => {
  const bad = ['', 'etcd://', 'etcd:///x', 'http://a', 'etcd://a,,b', 'etcd://a:0', 'etcd://a:70000'];
  const worse = ['etcd://user:secret@a', 'etcd://a b', 'etcd://a/x y', 'etcd://a/../', 'a:2379'];
  const many = `etcd://${Array.from({ length: 10 }, (_, index) => `h${index}`).join(',')}`;
  for (const text of [...bad, ...worse, many, `etcd://a/${'p'.repeat(65)}`]) {
    t.is(parseEtcdLocation(text), undefined, text);
  }
});
