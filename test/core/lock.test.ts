import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import { holdLock } from '../../core/lock.js';

const modulePath = new URL('../../core/lock.js', import.meta.url).href;

async function temporaryFile(t: { teardown(free: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'glimpse-lock-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return path.join(folder, 'lock');
}

test('one holder at a time', async (t) => {
  const file = await temporaryFile(t);
  const first = holdLock(file);
  t.truthy(first);
  t.is(holdLock(file), undefined);
  first?.release();
  const second = holdLock(file);
  t.truthy(second);
  second?.release();
  t.is((await stat(file)).mode & 0o777, 0o600, 'nobody else can hold it');
});

test('a killed holder holds nothing', async (t) => {
  const file = await temporaryFile(t);
  const script = `import(${JSON.stringify(modulePath)}).then(({ holdLock }) => {
    globalThis.held = holdLock(${JSON.stringify(file)});
    console.log('held');
    process.stdin.resume();
  });`;
  const holder = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  t.is(holdLock(file), undefined);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = holdLock(file);
  t.truthy(lock);
  lock?.release();
});

test('a folder that is not there is an error, not a held lock', async (t) => {
  const file = await temporaryFile(t);
  t.throws(() => holdLock(path.join(file, 'missing', 'lock')));
});
