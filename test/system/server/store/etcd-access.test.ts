/** An etcd that lets nobody in without a certificate, a name and a password. */
import { execFileSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import pRetry from 'p-retry';
import type { AccessFiles } from '../../../../server/store/etcd/access.js';
import { parseEtcdLocation } from '../../../../server/store/location.js';
import { openStore } from '../../../../server/store/open.js';
import { StoreUnavailable } from '../../../../server/store/store.js';
import type { Store } from '../../../../server/store/store.js';
import { put, watching } from '../../../server/store/conformance/scene.js';
import { Etcd, freePlaces, isEtcdInstalled } from '../../../../demo/etcd.js';
import { program, skip, temporaryFolder } from '../../prerequisites.js';

/** A CA, and a certificate by it for this machine and one for us: in the folder, as ca.crt, etcd.crt and so on. */
function certify(folder: string): void {
  const openssl = (...words: string[]): unknown =>
    execFileSync('openssl', words, { cwd: folder, stdio: 'pipe', timeout: 30_000 });
  const fresh = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-batch'];
  const key = (name: string) => ['-keyout', `${name}.key`];
  openssl(...fresh, '-x509', '-days', '2', '-subj', '/CN=ca', ...key('ca'), '-out', 'ca.crt');
  openssl(...fresh, '-x509', '-days', '2', '-subj', '/CN=other', ...key('other'), '-out', 'other.crt');
  for (const name of ['etcd', 'glimpse']) {
    openssl(...fresh, '-subj', `/CN=${name}`, ...key(name), '-out', `${name}.csr`);
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions'];
    openssl('x509', '-req', '-days', '2', '-in', `${name}.csr`, ...by, '-out', `${name}.crt`);
  }
}

test('etcd with TLS, client certificates and a password', async (t) => {
  if (!isEtcdInstalled()) {
    skip(t, 'etcd is not installed', 'install Debian’s etcd-server');
    return;
  }
  const etcdctl = program(t, 'etcdctl', 'etcd-client');
  if (etcdctl === undefined || program(t, 'openssl') === undefined) return;
  const folder = await temporaryFolder(t);
  const file = (name: string): string => path.join(folder, name);
  await writeFile(
    file('extensions'),
    'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n',
  );
  certify(folder);
  const tls = ['--cert-file', file('etcd.crt'), '--key-file', file('etcd.key')];
  const etcd = await Etcd.start({
    places: await freePlaces(1),
    scheme: 'https',
    options: [...tls, '--trusted-ca-file', file('ca.crt'), '--client-cert-auth'],
  });
  t.teardown(() => etcd.remove());
  const control = (...words: string[]): unknown =>
    execFileSync(
      etcdctl,
      ['--endpoints', `https://${etcd.addresses[0]!}`, '--cacert', file('ca.crt')].concat(
        ['--cert', file('glimpse.crt'), '--key', file('glimpse.key')],
        words,
      ),
      { env: { ETCDCTL_API: '3' }, stdio: 'pipe', timeout: 10_000 },
    );
  await pRetry(() => control('endpoint', 'health'), { retries: 100, factor: 1, minTimeout: 100 });
  control('user', 'add', 'root:boss');
  control('user', 'grant-role', 'root', 'root');
  control('role', 'add', 'cloud');
  control('role', 'grant-permission', 'cloud', '--prefix=true', 'readwrite', 'mine/');
  control('user', 'add', 'servers:secret');
  control('user', 'grant-role', 'servers', 'cloud');
  control('auth', 'enable');
  await writeFile(file('user'), 'servers:secret\n', { mode: 0o600 });
  await writeFile(file('wrong'), 'servers:guess\n', { mode: 0o600 });

  const all = { ca: file('ca.crt'), cert: file('glimpse.crt'), key: file('glimpse.key'), user: file('user') };
  const open = (files: AccessFiles, prefix = 'mine'): Promise<Store> => {
    const location = parseEtcdLocation(etcd.location(prefix))!;
    return openStore({ directory: folder, etcd: { ...location, files } }, (what) => t.log(what));
  };
  await refused(t, open({}), /no member of etcd can be reached/);
  await refused(t, open({ ...all, cert: undefined, key: undefined }), /no member of etcd|certificate/);
  await refused(t, open({ ...all, ca: file('other.crt') }), /certificate/);
  await refused(t, open({ ...all, user: undefined }), /etcd does not let|etcd asks|etcd refuses/);
  await refused(t, open({ ...all, user: file('wrong') }), /does not accept this user and password/);
  await refused(t, open(all, 'theirs'), /does not let this user read and write/);

  const store = await open(all);
  t.teardown(() => store.close());
  const watch = watching(t, store, 'a');
  t.deepEqual(await watch.next(), []);
  const lease = await store.grantLease(5_000);
  t.true(
    (await store.transact([], [put('a'), { type: 'put', key: 'b', value: new Uint8Array(1), lease }])).ok,
  );
  t.is((await watch.take(1)).length, 1);
  // A member that was started again knows no token any more.
  await etcd.kill(0);
  etcd.restart(0);
  t.not(await pRetry(() => store.get('a'), { retries: 20, factor: 1, minTimeout: 100 }), undefined);

  await chmod(file('user'), 0o604);
  await refused(t, open(all), /can be read by every user.*chmod/);
});

async function refused(t: ExecutionContext, opening: Promise<Store>, says: RegExp): Promise<void> {
  const error = await t.throwsAsync(opening, { instanceOf: StoreUnavailable });
  t.regex(error.message, says);
  t.notRegex(error.message, /secret|guess/, 'no password is told');
}
