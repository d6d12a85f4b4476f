/** The engine over etcd as the conformance suite and its processes open it. A place is a location, below its own prefix. */
import { randomUUID } from 'node:crypto';
import { credentials } from '@grpc/grpc-js';
import { openEtcdStore } from '../../../../server/store/etcd.js';
import { parseEtcdLocation } from '../../../../server/store/location.js';
import type { Store } from '../../../../server/store/store.js';
import type { Etcd } from '../../../../demo/etcd.js';

export function openStore(place: string): Promise<Store> {
  const location = parseEtcdLocation(place);
  if (!location) throw new Error(`${place} is no location`);
  const warn = (what: string, cause: unknown): never => {
    throw new Error(what, { cause });
  };
  return openEtcdStore({ ...location, credentials: credentials.createInsecure(), warn });
}

export const placesIn = (etcd: Etcd) => async () => ({
  place: etcd.location(`test/${randomUUID()}`),
  remove: () => Promise.resolve(),
});
