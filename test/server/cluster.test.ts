import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { publicBytes } from '../../core/identity/keys.js';
import { BadCluster, openCluster } from '../../server/cluster.js';
import type { Cluster } from '../../server/cluster.js';

async function place(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'glimpse-cluster-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return path.join(folder, 'data', 'cluster');
}

const inWords = ({ authority, cloudId, secrets }: Cluster) =>
  [authority.certificate, publicBytes(authority.privateKey), cloudId, ...secrets.values()].map((bytes) =>
    Buffer.from(bytes).toString('hex'),
  );

test('a cluster is made once, for its user alone, and is the same ever after', async (t) => {
  const folder = await place(t);
  const made = await openCluster(folder);
  t.deepEqual(inWords(await openCluster(folder)), inWords(made));
  t.is(made.latestSecretId, 1);
  t.is(made.secrets.get(1)?.length, 32);
  t.true(new X509Certificate(made.authority.certificate).checkPrivateKey(made.authority.privateKey));
  t.is((await stat(folder)).mode & 0o777, 0o700);
  for (const file of ['ca.key', 'ca.crt', 'secrets']) {
    t.is((await stat(path.join(folder, file))).mode & 0o777, 0o600, file);
  }
  t.deepEqual(await readdir(path.dirname(folder)), ['cluster'], 'nothing else is left behind');
});

test('servers that start at once agree', async (t) => {
  const folder = await place(t);
  const opened = await Promise.all(Array.from({ length: 8 }, () => openCluster(folder)));
  for (const cluster of opened) t.deepEqual(inWords(cluster), inWords(opened[0]!));
  t.deepEqual(await readdir(path.dirname(folder)), ['cluster']);
});

test('so do processes', async (t) => {
  const folder = await place(t);
  const module = new URL('../../server/cluster.js', import.meta.url).href;
  const program = `
    const { openCluster } = await import(${JSON.stringify(module)});
    const { cloudId } = await openCluster(process.argv[1]);
    process.stdout.write(Buffer.from(cloudId).toString('hex'));`;
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, folder]);
  const said = await Promise.all([run(), run(), run()]);
  t.is(new Set(said.map(({ stdout }) => stdout)).size, 1);
  t.regex(said[0].stdout, /^[0-9a-f]{32}$/);
});

test('a new secret is a new line; old ones stay', async (t) => {
  const folder = await place(t);
  const made = await openCluster(folder);
  await appendFile(path.join(folder, 'secrets'), `2 ${'ab'.repeat(32)}\n`);
  const { secrets, latestSecretId } = await openCluster(folder);
  t.is(latestSecretId, 2);
  t.deepEqual(secrets.get(1), made.secrets.get(1));
  t.deepEqual(secrets.get(2), new Uint8Array(32).fill(0xab));
});

test('a secret that stands by is known, and not the one to seal under until it no longer does', async (t) => {
  const folder = await place(t);
  await openCluster(folder);
  const file = path.join(folder, 'secrets');
  await appendFile(file, `2 ${'ab'.repeat(32)} standby\n`);
  const before = await openCluster(folder);
  t.is(before.latestSecretId, 1);
  t.deepEqual(before.secrets.get(2), new Uint8Array(32).fill(0xab));
  await writeFile(file, (await readFile(file, 'utf8')).replace(' standby', ''));
  t.is((await openCluster(folder)).latestSecretId, 2);
});

const damages: Record<string, (folder: string) => Promise<void>> = {
  'a missing file': (folder) => rm(path.join(folder, 'secrets')),
  'an empty file': (folder) => writeFile(path.join(folder, 'secrets'), ''),
  'secrets that all stand by': (folder) =>
    writeFile(path.join(folder, 'secrets'), `1 ${'ab'.repeat(32)} standby\n`),
  'half a secret': (folder) => writeFile(path.join(folder, 'secrets'), `1 ${'ab'.repeat(16)}\n`),
  'two secrets of one number': (folder) => appendFile(path.join(folder, 'secrets'), `1 ${'ab'.repeat(32)}\n`),
  'a key that is none': (folder) => writeFile(path.join(folder, 'ca.key'), 'key'),
  'the key of another cluster': async (folder) => {
    await openCluster(`${folder}-other`);
    await writeFile(path.join(folder, 'ca.key'), await readFile(path.join(`${folder}-other`, 'ca.key')));
  },
};

for (const [damage, inflict] of Object.entries(damages)) {
  test(`${damage} is told, and nothing is made in its stead`, async (t) => {
    const folder = await place(t);
    await openCluster(folder);
    await inflict(folder);
    const error = await t.throwsAsync(openCluster(folder), { instanceOf: BadCluster });
    t.regex(error.message, /Restore the folder from its backup/);
    await t.throwsAsync(openCluster(folder), { instanceOf: BadCluster });
  });
}

test('a folder that cannot be made is told', async (t) => {
  const folder = await place(t);
  await mkdir(path.dirname(path.dirname(folder)), { recursive: true });
  await writeFile(path.dirname(folder), 'a file where a folder should be');
  await t.throwsAsync(openCluster(folder), { instanceOf: BadCluster, message: /Choose another folder/ });
});
