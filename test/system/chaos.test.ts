/** Half a minute of chaos: every kind of part, real processes, and nothing that was promised broken. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import type { Report } from '../../chaos/report.js';
import { layNetwork } from './network.js';
import { smallDisk, temporaryFolder } from './prerequisites.js';

const program = fileURLToPath(new URL('../../chaos/main.js', import.meta.url));

test('nothing is lost, undone or seen too often while servers and clients die', async (t) => {
  t.timeout(290_000);
  if ((await layNetwork(t)) === undefined || (await smallDisk(t, '1m')) === undefined) return;
  const file = path.join(await temporaryFolder(t), 'report.json');
  const words = ['--minutes', '0.4', '--seed', '4', '--report', file];
  const ran = promisify(execFile)(process.execPath, [program, ...words], { timeout: 280_000 });
  const told = await ran.catch((error: unknown) => error as { stdout: string; stderr: string });
  const report = JSON.parse(await readFile(file, 'utf8')) as Report;
  t.log(told.stdout);
  t.deepEqual(report.violations, []);
  t.is(report.seed, 4);
  t.true(report.operations > 50 && report.succeeded > report.operations / 2);
  t.true(report.faults >= 8);
  t.regex(await readFile(file.replace(/json$/, 'svg'), 'utf8'), /^<svg.*<\/svg>\n$/s);
});
