/** What proves to etcd who this is, and to us that it is etcd: files, so that no secret stands in a command line. */
import { readFile, stat } from 'node:fs/promises';
import { credentials } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { StoreUnavailable } from '../store.js';
import type { User } from './calls.js';

/** Paths. Without `ca` the connection is in clear; `cert` and `key` go together. PEM, but for the user's. */
export interface AccessFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** One line, `name:password`. */
  readonly user?: string | undefined;
}

export interface Access {
  readonly credentials: ChannelCredentials;
  readonly user: User | undefined;
}

/** @throws StoreUnavailable naming the file that cannot be used */
export async function readAccess(files: AccessFiles): Promise<Access> {
  const [ca, cert, key, user] = await Promise.all([
    files.ca === undefined ? undefined : read(files.ca),
    files.cert === undefined ? undefined : read(files.cert),
    files.key === undefined ? undefined : readSecret(files.key),
    files.user === undefined ? undefined : readUser(files.user),
  ]);
  return { credentials: ca === undefined ? credentials.createInsecure() : secured(ca, key, cert), user };
}

function secured(ca: Buffer, key: Buffer | undefined, cert: Buffer | undefined): ChannelCredentials {
  try {
    return credentials.createSsl(ca, key ?? null, cert ?? null);
  } catch (cause) {
    throw unusable(`the CA, certificate or key for etcd is not PEM: ${(cause as Error).message}`, cause);
  }
}

async function readUser(file: string): Promise<User> {
  const found = /^([^:\n]+):([^\n]+)\n?$/.exec((await readSecret(file)).toString('utf8'));
  if (!found) throw unusable(`${file} is not one line of name:password`);
  return { name: found[1]!, password: found[2]! };
}

async function readSecret(file: string): Promise<Buffer> {
  const content = await read(file);
  if (((await stat(file)).mode & 0o007) === 0) return content;
  throw unusable(`${file} can be read by every user of this machine: chmod o-rwx it`);
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw unusable(`${file} cannot be read: ${(cause as Error).message}`, cause);
  }
}

const unusable = (what: string, cause?: unknown): StoreUnavailable => new StoreUnavailable(what, { cause });
