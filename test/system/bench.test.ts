/** Every case of the bench, small: that it runs, finds right results and writes them down. Never its time. */
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { cases } from '../../bench/cases.js';
import type { Result } from '../../bench/harness/results.js';
import { temporaryFolder } from './prerequisites.js';

const main = path.join('dist', 'bench', 'main.js');
const run = promisify(execFile);

for (const name of cases.keys()) {
  test.serial(`${name} runs small`, async (t) => {
    const folder = await temporaryFolder(t);
    await run(process.execPath, [main, '--quick', '--results', folder, name], { timeout: 240_000 });
    const [json] = (await readdir(folder)).filter((file) => file.endsWith('.json'));
    const result = JSON.parse(await readFile(path.join(folder, json!), 'utf8')) as Result;
    const written = [name, ...(result.variant === undefined ? [] : [result.variant])].join('-');
    t.is(result.name, name);
    t.is(json, `${written}.json`);
    t.true(result.quick);
    t.true(result.machine.cores > 0);
    t.true(result.tables.length > 0);
    for (const { title, columns, rows } of result.tables) {
      t.true(rows.length > 0, title);
      for (const row of rows) t.is(row.length, columns.length, title);
    }
    for (const target of result.targets ?? []) t.is(typeof target.met, 'boolean', target.what);
    const text = await readFile(path.join(folder, `${written}.md`), 'utf8');
    t.true(text.startsWith(`# ${written}\n`));
    for (const note of result.notes ?? []) if (note.startsWith('SKIPPED: ')) t.log(note);
  });
}

test('the cases are listed, and an unknown one is refused', async (t) => {
  const { stdout } = await run(process.execPath, [main, '--list']);
  t.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]),
    [...cases.keys()],
  );
  await t.throwsAsync(run(process.execPath, [main, 'nothing-such']), { message: /There is no case/ });
});
