/** A folder as people have them: names in any script, a file that is broken, one that is no photo. */
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { PhotoLine } from '../../client/engine.js';
import { awaited } from '../../demo/processes.js';
import { Cast, photos } from './cast.js';

const name = 'Ferien 2026/mein schönes “Foto” ☀ 写真.jpg';

test('an odd folder of one’s own: the owner hears once what is left out; without up paths do', async (t) => {
  const cast = await Cast.gather();
  t.teardown(() => cast.leave());
  await cast.openCloud(1);
  const [alice, bob] = [await cast.member('alice'), await cast.member('bob')];
  const folder = path.join(cast.folder, 'my pictures (old)');
  await mkdir(path.join(folder, path.dirname(name)), { recursive: true });
  await copyFile(path.join(photos, 'acanthus-mollis.jpg'), path.join(folder, name));
  const whole = await readFile(path.join(photos, 'airplane-from-above.jpg'));
  await writeFile(path.join(folder, 'half a plane.jpg'), whole.subarray(0, whole.length >> 1));
  await writeFile(path.join(folder, 'notes.txt'), 'not a photo');
  await alice.start(['--gallery', folder, '--open']);
  const about = async () => (await alice.up!.said()).match(/half a plane\.jpg/g)?.length;
  t.is(await awaited(about), 1, 'before anyone has asked for the gallery');

  const out = path.join(cast.folder, 'thumbnails');
  const listed = await bob.glimpse(['gallery', 'alice', '--out', out]);
  const { photos: lines, notices } = listed.result as {
    photos: PhotoLine[];
    notices: { name: string }[];
  };
  t.deepEqual(
    lines.map((line) => line.name),
    [name],
  );
  t.deepEqual(
    notices.map((notice) => notice.name),
    ['half a plane.jpg'],
  );
  t.is((await readdir(out)).length, 1);
  t.is(await about(), 1, 'and not again for each who asks');

  const asked = await bob.glimpse(['request', 'alice', name]);
  t.is(asked.exit, 0, asked.error?.message);
  const viewed = await bob.glimpse(['view', (asked.result as { grant: string }).grant]);
  t.is(viewed.exit, 0, viewed.error?.message);
  const { file } = asked.result as { file: string };
  t.is(path.dirname(file), path.join(bob.home, 'inbox'));

  await alice.up?.stop();
  for (const photo of ['1', name]) {
    const refused = await alice.glimpse(['share', 'bob', photo]);
    t.like(refused, { exit: 4, error: { reason: 'UNKNOWN_PHOTO' } });
    t.regex(refused.error!.message, /No folder is served/);
    t.regex(refused.error!.next, /glimpse up --gallery FOLDER.* path of a file/);
  }
  const elsewhere = await alice.glimpse(['share', 'bob', path.join(photos, 'allium-oreophilum.jpg')]);
  t.like(elsewhere, { exit: 0, result: { delivery: 'waiting' } }, 'a path needs no gallery; bob is not up');
});
