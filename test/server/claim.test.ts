/** A store belongs to one cloud. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { openClaimed } from '../../server/claim.js';
import { BadCluster, openCluster } from '../../server/cluster.js';
import { openSqliteStore } from '../../server/store/sqlite.js';

test('a store is claimed by the first cluster, and lets no other in', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'glimpse-claim-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const store = await openSqliteStore({ directory: folder });
  t.teardown(() => store.close());
  const ours = path.join(folder, 'ours');
  const [one, two] = await Promise.all([openClaimed(store, ours), openClaimed(store, ours)]);
  t.deepEqual(one.cloudId, two.cloudId);
  await openCluster(path.join(folder, 'other'));
  const other = await t.throwsAsync(openClaimed(store, path.join(folder, 'other')), {
    instanceOf: BadCluster,
  });
  t.regex(other.message, /another cloud’s.*copy the folder from one of its servers/);
  const none = await t.throwsAsync(openClaimed(store, path.join(folder, 'none')), { instanceOf: BadCluster });
  t.regex(none.message, /There is no .*none, and the store belongs to a cloud already/);
  t.deepEqual((await openClaimed(store, ours)).cloudId, one.cloudId);
});
