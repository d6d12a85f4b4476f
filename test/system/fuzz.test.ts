/** Every handler of every service, and the frames below them, given what is almost right: docs/reliability.md, "Fuzzing". */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { Ending } from '../client/engine/clouds.js';
import { fuzz, wrongWith } from '../fuzz/fuzz.js';
import type { Finding } from '../fuzz/fuzz.js';
import { handlersAt } from '../fuzz/handlers.js';
import { houseOf } from '../fuzz/house.js';

const inputs = 12;
const seed = Number(process.env['GLIMPSE_FUZZ_SEED'] ?? 1);
const folder = 'test/fuzz/findings';

const ending = new Ending();
test.after.always(ending.all);

test('no handler fails, hangs or ends its process, whatever it is sent', async (t) => {
  const { doors, bob, ended } = await houseOf(ending);
  const aimed = await Promise.all(doors.map(handlersAt));
  ending.add(() => aimed.forEach((one) => one.close()));
  const targets = aimed.flatMap((one) => one.targets);
  const findings: Finding[] = [];
  for (const target of targets) findings.push(...(await fuzz(target, { seed, from: 0, to: inputs })));
  t.deepEqual(findings, []);
  for (const file of readdirSync(folder)) {
    const [head = '', hex = ''] = readFileSync(path.join(folder, file), 'utf8').split('\n\n');
    const target = targets.find(({ name }) => head.includes(`target: ${name}\n`));
    if (target) t.is(await wrongWith(target, Buffer.from(hex.trim(), 'hex')), undefined, file);
  }
  t.deepEqual(ended(), []);
  t.is(
    (await bob.glimpse(['gallery', 'mallory'])).exit,
    5,
    'cloud and client work as before: mallory is away',
  );
});
