/** Backup and restore of the store, as docs/deploy.md says: what comes back, what is put again, and what is forgotten. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import type { GivenLine, HeldLine, Received } from '../../client/engine.js';
import type { Person } from '../../demo/person.js';
import { Etcd, isEtcdInstalled } from '../../demo/etcd.js';
import { awaited } from '../../demo/processes.js';
import { Cast, photos } from '../client/cast.js';
import { program, skip } from './prerequisites.js';

interface Kept {
  /** `--store` for the programs. */
  readonly words: readonly string[];
  readonly save: (cast: Cast, file: string) => Promise<void>;
  /** While no server runs. */
  readonly restore: (cast: Cast, file: string) => Promise<void>;
}

const shown = (person: Person, grant: string) => person.glimpse(['view', grant]);

/** Two grants, one viewed and one to be revoked, before the backup; a view, a revocation and a grant after it. */
async function restoring(t: ExecutionContext, { words, save, restore }: Kept): Promise<void> {
  const cast = await Cast.gather();
  t.teardown(() => cast.leave());
  await cast.openCloud(1, { words });
  const [alice, bob] = [await cast.member('alice'), await cast.member('bob')];
  await alice.start(['--gallery', photos, '--views', '3', '--open']);
  await bob.start([]);
  await bob.glimpse(['gallery', 'alice']);
  const asked = async (photo: string) =>
    ((await bob.glimpse(['request', 'alice', photo])).result as Received).grant;
  const viewed = await asked('allium-oreophilum.jpg');
  const revoked = await asked('acanthus-mollis.jpg');
  t.like(await shown(bob, viewed), { exit: 0, result: { shown: 'photo', remaining: 2 } });

  const backup = path.join(cast.folder, 'backup');
  await save(cast, backup);
  t.true((await readFile(backup)).length > 0);

  t.like(await shown(bob, viewed), { exit: 0, result: { shown: 'photo', remaining: 1 } });
  t.is((await alice.glimpse(['rights', 'bob', revoked, '--revoke'])).exit, 0);
  const late = await asked('landscapes/nagasaki-boats.jpg');
  t.like(await shown(bob, late), { exit: 0, result: { shown: 'photo', remaining: 2 } });

  await cast.killCloud();
  await restore(cast, backup);
  await cast.reviveCloud();
  const held = await awaited(async () => {
    const lines = (await bob.glimpse(['inbox'])).result as HeldLine[];
    return lines.length === 3 && lines.every(({ used }) => used !== null) ? lines : undefined;
  });
  const of = (grant: string) => held?.find((line) => line.grant === grant);
  t.like(of(viewed), { used: 1, remaining: 2 }, 'a view that was spent since is forgotten');
  t.like(of(late), { quota: 3 }, 'the owner put it again');
  t.like(await shown(bob, viewed), { exit: 0, result: { shown: 'photo', remaining: 1 } });
  t.like(await shown(bob, revoked), { exit: 3, error: { reason: 'REVOKED' } }, 'she put this again too');
  const given = (await alice.glimpse(['shared'])).result as GivenLine[];
  t.like(
    given.find(({ grant }) => grant === revoked),
    { revoked: true, pending: false },
  );
}

test.serial('etcd: all members are lost, and begin anew with a backup', async (t) => {
  t.timeout(280_000);
  if (!isEtcdInstalled()) {
    skip(t, 'etcd is not installed', 'install Debian’s etcd-server');
    return;
  }
  if (program(t, 'etcdctl', 'etcd-client') === undefined) return;
  const etcd = await Etcd.start();
  t.teardown(() => etcd.remove());
  await etcd.leader();
  await restoring(t, {
    words: ['--store', etcd.location()],
    save: (_, file) => etcd.save(file),
    restore: async (_, file) => {
      await etcd.restore(file);
      await etcd.leader();
    },
  });
});

test.serial(
  'embedded: the file is lost while the server runs, and a backup of it takes its place',
  async (t) => {
    t.timeout(280_000);
    const fileIn = (cast: Cast): string => path.join(cast.data, 'store.sqlite');
    await restoring(t, {
      words: [],
      // What the `.backup` of SQLite's own program does.
      save: async (cast, file) => {
        const database = new Database(fileIn(cast), { readonly: true });
        await database.backup(file).finally(() => database.close());
      },
      restore: async (cast, file) => {
        for (const end of ['', '-wal', '-shm']) await rm(`${fileIn(cast)}${end}`, { force: true });
        const database = new Database(file, { readonly: true });
        await database.backup(fileIn(cast)).finally(() => database.close());
      },
    });
  },
);
