/** What docs/deploy.md hands to other programs is what they understand. Images are not built: that needs a network. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { openCluster } from '../../server/cluster.js';
import { drawServerIdentity } from '../../server/identity.js';
import { program, temporaryFolder } from './prerequisites.js';

const settled = { stdio: 'pipe', encoding: 'utf8', timeout: 60_000 } as const;

test('the compose file has three servers and three members of etcd', (t) => {
  const compose = program(t, 'docker-compose');
  if (compose === undefined) return;
  const config = (env: NodeJS.ProcessEnv, ...words: string[]) =>
    execFileSync(compose, ['--file', 'deploy/compose.yaml', 'config', ...words], {
      ...settled,
      env: { ...process.env, ...env },
    });
  const services = config({ GLIMPSE_HOST: 'clouds.example' }, '--services').trim().split('\n');
  t.deepEqual(services.toSorted(), ['a', 'b', 'c', 'etcd1', 'etcd2', 'etcd3']);
  t.throws(() => config({}), { message: /say how people reach this machine/ });
});

test('the unit is one that systemd accepts', async (t) => {
  const analyze = program(t, 'systemd-analyze', 'systemd');
  if (analyze === undefined) return;
  const unit = path.join(await temporaryFolder(t), 'glimpse-server@a.service');
  await copyFile('deploy/glimpse-server@.service', unit);
  t.notThrows(() => execFileSync(analyze, ['verify', unit], settled));
});

test('a new certificate for the CA’s key is the same cloud’s', async (t) => {
  if (program(t, 'openssl') === undefined) return;
  const folder = path.join(await temporaryFolder(t), 'cluster');
  const before = await openCluster(folder);
  const old = new X509Certificate(await readFile(path.join(folder, 'ca.crt')));
  const renew = ['x509', '-in', 'ca.crt', '-signkey', 'ca.key', '-days', '7300', '-out', 'ca.new'];
  execFileSync('openssl', renew, { ...settled, cwd: folder });
  await copyFile(path.join(folder, 'ca.new'), path.join(folder, 'ca.crt'));
  const after = await openCluster(folder);
  t.deepEqual(after.cloudId, before.cloudId);
  t.notDeepEqual(after.authority.certificate, before.authority.certificate);
  for (const { authority } of [before, after]) {
    const { certificate } = await drawServerIdentity(authority, 'a', Date.now());
    for (const ca of [old, new X509Certificate(after.authority.certificate)]) {
      const leaf = new X509Certificate(certificate);
      t.true(leaf.checkIssued(ca) && leaf.verify(ca.publicKey));
    }
  }
});
