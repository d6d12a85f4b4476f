import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { makeFolder } from '../../core/folder.js';

test('folders are made as deep as is asked, and those that are there stay as they are', async (t) => {
  const above = await mkdtemp(path.join(tmpdir(), 'glimpse-folder-'));
  t.teardown(() => rm(above, { recursive: true, force: true }));
  const deep = path.join(above, 'one', 'two');
  makeFolder(deep, 0o700);
  t.is((await stat(path.dirname(deep))).mode & 0o777, 0o700);
  t.notThrows(() => makeFolder(deep, 0o755));
  t.is((await stat(deep)).mode & 0o777, 0o700);
  const file = path.join(deep, 'file');
  await writeFile(file, '');
  t.throws(() => makeFolder(file), { code: 'EEXIST' });
  t.throws(() => makeFolder(path.join(file, 'below')), { code: 'ENOTDIR' });
});

(process.platform === 'linux' ? test : test.skip)('where nothing can be made it fails at once', (t) => {
  t.throws(() => makeFolder('/proc/nowhere/deep'), { code: 'ENOENT' });
});
