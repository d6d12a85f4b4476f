/** npm run demo as a user runs it: every step holds, and nothing is left but the pictures. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { temporaryFolder } from './prerequisites.js';

const demo = fileURLToPath(new URL('../../demo/main.js', import.meta.url));
const steps = 15;

interface Step {
  readonly step: number;
  readonly title: string;
  readonly held: boolean;
  readonly checks: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

test('every step of the demo holds, and of its processes and folders none is left', async (t) => {
  const folder = await temporaryFolder(t);
  const child = spawn(process.execPath, [demo, '--json'], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill());
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [out, err, [exit]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  t.is(exit, 0, `${out}${err}`);
  t.regex(err, /^Every step held: 15 steps, \d+ checks/);
  const told = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Step);
  t.deepEqual(
    told.map(({ step }) => step),
    Array.from({ length: steps }, (_, at) => at + 1),
  );
  for (const { title, held, checks } of told) t.true(held && checks.length > 0, title);

  const left = await readdir(folder);
  t.is(left.length, 1, left.join(', '));
  t.deepEqual(await readdir(path.join(folder, left[0]!)), ['pictures']);
  const pictures = told.flatMap(({ files }) => Object.values(files));
  t.true(pictures.some((file) => file.startsWith(path.join(folder, left[0]!, 'pictures'))));
  t.deepEqual(await processesNaming(folder), []);
});

/** The command lines that name the folder: all that the demo starts do. */
async function processesNaming(folder: string): Promise<string[]> {
  const ps = spawn('ps', ['-eo', 'args'], { stdio: ['ignore', 'pipe', 'inherit'] });
  return (await text(ps.stdout)).split('\n').filter((line) => line.includes(folder));
}
