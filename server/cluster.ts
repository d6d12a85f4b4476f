/**
 * What makes the servers of a cloud one cloud: its CA and its secrets, files in a folder that every server reads
 * and that is backed up apart, never rows of the store. docs/architecture.md, "The cluster's folder".
 */
import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../core/folder.js';
import { cloudIdOf, makeAuthority } from '../core/identity/certificates.js';
import type { Authority } from '../core/identity/certificates.js';
import { pem } from '../core/identity/tls.js';

export interface Cluster {
  readonly authority: Authority;
  readonly cloudId: Uint8Array;
  /** 32 bytes each, by their numbers. */
  readonly secrets: ReadonlyMap<number, Uint8Array>;
  /** The secret for what is sealed from now on. */
  readonly latestSecretId: number;
}

/** The folder is damaged or cannot be used; the message says what to do. */
export class BadCluster extends Error {
  override readonly name = 'BadCluster';
}

const files = { key: 'ca.key', certificate: 'ca.crt', secrets: 'secrets' } as const;
const secretBytes = 32;
/** A secret that stands by is known, and nothing is sealed under it yet: every server is given it first. */
const secretLine = /^([1-9][0-9]{0,8}) ([0-9a-f]{64})( standby)?$/;

/**
 * The cluster in the folder, made first if there is no such folder. Of servers that start at once, one makes it
 * and all agree: it appears whole or not at all.
 * @throws BadCluster
 */
export async function openCluster(folder: string, nowMs = Date.now()): Promise<Cluster> {
  if (!(await exists(folder))) await makeCluster(folder, nowMs);
  const [key, certificate, secrets] = await Promise.all([
    read(folder, files.key),
    read(folder, files.certificate),
    read(folder, files.secrets),
  ]);
  return clusterOf(folder, key, certificate, secrets);
}

async function makeCluster(folder: string, nowMs: number): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { certificate } = await makeAuthority(privateKey, nowMs, randomBytes(16));
  const fresh = `${folder}.new-${randomBytes(8).toString('hex')}`;
  try {
    makeFolder(fresh, 0o700);
    await write(fresh, files.key, pem('PRIVATE KEY', privateKey.export({ format: 'der', type: 'pkcs8' })));
    await write(fresh, files.certificate, pem('CERTIFICATE', certificate));
    await write(fresh, files.secrets, `1 ${randomBytes(secretBytes).toString('hex')}\n`);
    await settle(fresh);
    await rename(fresh, folder);
    await settle(path.dirname(folder));
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true }).catch(() => undefined);
    // Another server was first: its cluster is the cluster.
    if (await exists(folder)) return;
    throw new BadCluster(`Cannot make ${folder}: ${(cause as Error).message}. Choose another folder.`, {
      cause,
    });
  }
}

function clusterOf(folder: string, key: string, certificate: string, secrets: string): Cluster {
  const authority = authorityOf(folder, key, certificate);
  return { authority, cloudId: cloudIdOf(authority.certificate), ...secretsOf(folder, secrets) };
}

function authorityOf(folder: string, key: string, certificate: string): Authority {
  let parsed: X509Certificate;
  let privateKey: KeyObject;
  try {
    parsed = new X509Certificate(certificate);
    privateKey = createPrivateKey(key);
  } catch (cause) {
    throw damaged(folder, `${files.key} or ${files.certificate} cannot be read`, cause);
  }
  if (!parsed.checkPrivateKey(privateKey)) {
    throw damaged(folder, `${files.key} is not the key of ${files.certificate}`);
  }
  return { certificate: new Uint8Array(parsed.raw), privateKey };
}

function secretsOf(folder: string, text: string): Pick<Cluster, 'secrets' | 'latestSecretId'> {
  const secrets = new Map<number, Uint8Array>();
  let latestSecretId = 0;
  for (const line of text.split('\n').filter((written) => written.trim() !== '')) {
    const found = secretLine.exec(line.trim());
    const id = Number(found?.[1]);
    if (!found || secrets.has(id)) throw damaged(folder, `a line of ${files.secrets} is no numbered secret`);
    secrets.set(id, new Uint8Array(Buffer.from(found[2]!, 'hex')));
    if (found[3] === undefined) latestSecretId = Math.max(latestSecretId, id);
  }
  if (latestSecretId === 0) throw damaged(folder, `${files.secrets} has no secret to seal under`);
  return { secrets, latestSecretId };
}

async function read(folder: string, file: string): Promise<string> {
  try {
    return await readFile(path.join(folder, file), 'utf8');
  } catch (cause) {
    throw damaged(folder, `${file} cannot be read`, cause);
  }
}

const damaged = (folder: string, what: string, cause?: unknown): BadCluster =>
  new BadCluster(
    `${folder}: ${what}. Restore the folder from its backup: without it no carrier of this cloud opens again.`,
    { cause },
  );

async function write(folder: string, file: string, text: string): Promise<void> {
  const handle = await open(path.join(folder, file), 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the names in a folder durable. */
async function settle(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

async function exists(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  );
}
