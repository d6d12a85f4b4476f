/**
 * A store belongs to one cloud, whose id it keeps: a server that comes with another cluster's folder, or would make
 * a new one, has no business there. docs/architecture.md, "The cluster's folder".
 */
import { stat } from 'node:fs/promises';
import { BadCluster, openCluster } from './cluster.js';
import type { Cluster } from './cluster.js';
import type { Store } from './store/store.js';

const key = 'cloud';

/** The cluster in the folder, made first where neither it nor the store is of any cloud. @throws BadCluster, StoreUnavailable */
export async function openClaimed(store: Store, folder: string): Promise<Cluster> {
  const claimed = await store.get(key);
  if (claimed && !(await exists(folder))) throw notIts(`There is no ${folder}`);
  const cluster = await openCluster(folder);
  if (Buffer.compare(claimed?.value ?? (await claim(store, cluster.cloudId)), cluster.cloudId) === 0)
    return cluster;
  throw notIts(`${folder} is another cloud’s`);
}

/** The id of the cloud that the store belongs to from now on. */
async function claim(store: Store, cloudId: Uint8Array): Promise<Uint8Array> {
  const { ok } = await store.transact([{ key, revision: 0 }], [{ type: 'put', key, value: cloudId }]);
  return ok ? cloudId : (await store.get(key))!.value;
}

const notIts = (what: string): BadCluster =>
  new BadCluster(
    `${what}, and the store belongs to a cloud already: copy the folder from one of its servers or from its backup, or choose another store.`,
  );

async function exists(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  );
}
