/** The engine over etcd against a real one of three members: the suite of all engines, and what is its own. */
import test from 'ava';
import { conformance } from '../../../server/store/conformance.js';
import { Etcd, isEtcdInstalled } from '../../../../demo/etcd.js';
import { skip } from '../../prerequisites.js';
import { openStore, placesIn } from './etcd-engine.js';

if (isEtcdInstalled()) {
  const etcd = await Etcd.start();
  test.after.always(() => etcd.remove());
  const module = new URL('./etcd-engine.js', import.meta.url);
  conformance(test.serial, { module, openStore, makePlace: placesIn(etcd) });
} else {
  test('the engine over etcd', (t) => skip(t, 'etcd is not installed', 'install Debian’s etcd-server'));
}
