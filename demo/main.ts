/**
 * npm run demo: the main job of Glimpse, with real processes and real photographs, each step checked. It exits 0
 * only if every step held.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import * as scenes from './scenes.js';
import type { Panel } from './side-by-side.js';
import { sideBySide } from './side-by-side.js';
import { Stage } from './stage.js';
import { Transcript } from './transcript.js';

const options = new Command('npm run demo --')
  .description('Shows Glimpse: a cloud of three servers, Alice and Bob, and the four use cases.')
  .option('--gallery <folder>', 'photos to use instead of those of the project (three or more)')
  .option('--json', 'print an object a step')
  .option('--keep', 'leave everything running at the end')
  .option('--picture <file>', 'put the photo, what Bob holds and what he saw side by side')
  .addHelpText('after', '\nExample:\n  npm run demo -- --gallery ~/Pictures --keep')
  .parse()
  .opts<{ gallery?: string; json?: boolean; keep?: boolean; picture?: string }>();

const gallery = path.resolve(options.gallery ?? fileURLToPath(new URL('../../test/photos', import.meta.url)));
const transcript = new Transcript(
  options.json === true,
  (text) => process.stdout.write(text),
  (text) => process.stderr.write(text),
);
process.exitCode = await demo();

async function demo(): Promise<number> {
  if (!existsSync(gallery)) {
    process.stderr.write(`There is no folder ${gallery}: name one with photos in it.\n`);
    return 2;
  }
  const stage = await Stage.build(transcript, gallery);
  const kill = () => stage.kill();
  process.on('exit', kill);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(130));
  try {
    const holding = await play(stage);
    if (options.picture !== undefined) await sideBySide(panels(stage, holding), options.picture);
    if (options.keep === true) {
      process.off('exit', kill);
      transcript.end(stillRunning(stage));
    } else {
      await stage.clear();
      transcript.end(`Every step held: ${transcript.summary}. The pictures lie in ${stage.pictures}.`);
    }
    return 0;
  } catch (error) {
    transcript.end(`It did not hold: ${error instanceof Error ? error.message : String(error)}`);
    process.stderr.write(`What the processes said lies in ${path.join(stage.folder, 'logs')}.\n`);
    return 1;
  }
}

async function play(stage: Stage): Promise<scenes.Holding> {
  const { joinCode, servers } = await transcript.step('A cloud of three servers starts', async () => {
    const ready = await stage.openCloud();
    const ids = ready.servers.map(({ id }) => id);
    transcript.check(`${ids.join(', ')} are ready`, ids.length === 3, ready);
    return ready;
  });
  await scenes.meet(stage, joinCode);
  const photos = await scenes.browse(stage);
  const holding = await scenes.request(stage, photos);
  await scenes.newcomer(stage, joinCode, photos.viewed);
  await scenes.update(stage, photos, holding);
  const waiting = await scenes.offline(stage, photos);
  await scenes.returning(stage, photos, holding, waiting);
  await scenes.leaderDies(stage, photos, new Map(servers.map(({ id, pid }) => [id, pid])));
  await scenes.revoke(stage, photos, holding);
  return holding;
}

function panels({ gallery }: Stage, { photo, copy, seen }: scenes.Holding): Panel[] {
  return [
    { file: path.join(gallery, photo.name), caption: 'In Alice’s gallery' },
    { file: copy, caption: 'What Bob holds, and everyone sees' },
    { file: seen, caption: 'What Bob sees, twice' },
  ];
}

function stillRunning({ alice, bob, processes, folder, pictures }: Stage): string {
  return [
    `Every step held: ${transcript.summary}. Everything still runs; talk to it:`,
    `  GLIMPSE_HOME=${alice.home} npx glimpse shared`,
    `  GLIMPSE_HOME=${bob.home} npx glimpse inbox`,
    `Stop it and remove what it wrote, the pictures in ${pictures} as well:`,
    `  kill ${processes.map(({ pid }) => pid).join(' ')}; rm -r ${folder}`,
  ].join('\n');
}
