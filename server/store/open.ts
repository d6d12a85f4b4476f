/** Opens the store that was asked for: the embedded one in a folder, or one in etcd. */
import { randomInt } from 'node:crypto';
import { openEtcdStore } from './etcd.js';
import { readAccess } from './etcd/access.js';
import type { AccessFiles } from './etcd/access.js';
import type { EtcdLocation } from './location.js';
import { openSqliteStore } from './sqlite.js';
import type { Store } from './store.js';

export interface EtcdPlace extends EtcdLocation {
  readonly files: AccessFiles;
}

export interface StorePlace {
  /** The folder of the embedded store. */
  readonly directory: string;
  /** Where the store is instead, if it is in etcd. */
  readonly etcd: EtcdPlace | undefined;
}

const isHere = (member: string): boolean => /^(?:127\.|localhost:|\[::1\]:)/.test(member);

/** `warn` is told of what went wrong and hinders nobody yet. @throws StoreUnavailable */
export async function openStore(
  { directory, etcd }: StorePlace,
  warn: (what: string, cause: unknown) => void,
): Promise<Store> {
  if (!etcd) return openSqliteStore({ directory });
  const { members, prefix, files } = etcd;
  if (files.ca === undefined && !members.every(isHere))
    warn(
      'etcd is spoken to in clear',
      'whoever is on that network reads and writes the store: see --store-ca',
    );
  // Each server prefers another member, so that none has them all.
  const first = randomInt(members.length);
  const rotated = [...members.slice(first), ...members.slice(0, first)];
  return openEtcdStore({ members: rotated, prefix, warn, ...(await readAccess(files)) });
}
