/** A viewer whose disk is full or read-only: told in words, with nothing acknowledged and nothing left behind. */
import { copyFile, mkdir, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { GivenLine, LogLine, Received } from '../../client/engine.js';
import { readCarrier } from '../../core/carrier/read.js';
import { bytesSource } from '../../core/carrier/source.js';
import { awaited } from '../../demo/processes.js';
import { patterned } from '../core/streams.js';
import { answer, member, openCloud } from './household.js';
import { mount, smallDisk, temporaryFolder } from './prerequisites.js';

/** Enough for what a vault writes, and less than a carrier of any of these photographs. */
const roomBytes = 250_000;

/** Fills the disk but for `roomBytes`. @returns the file that fills it */
async function fill(disk: string): Promise<string> {
  const ballast = path.join(disk, 'ballast');
  let filled = 0;
  for (const piece = patterned(65_536, 1); ; filled += piece.length) {
    try {
      await writeFile(ballast, piece, { flag: 'a' });
    } catch {
      break;
    }
  }
  await truncate(ballast, filled - roomBytes);
  return ballast;
}

test.serial(
  'what does not fit a viewer’s disk is not acknowledged, and comes once there is room',
  async (t) => {
    t.timeout(240_000);
    const disk = await smallDisk(t, '12m');
    if (disk === undefined) return;
    const folder = await temporaryFolder(t);
    const gallery = path.join(folder, 'gallery');
    await mkdir(gallery);
    for (const name of ['airplane-from-above.jpg', 'locomotion-house-cat.jpg'])
      await copyFile(path.join('test/photos', name), path.join(gallery, name));
    const { joinCode } = await openCloud(t, { folder, servers: 1 });
    const alice = await member(t, 'alice', { folder, joinCode });
    const bob = await member(t, 'bob', { folder: disk, joinCode });
    await alice.start(['--gallery', gallery, '--open']);
    await answer(bob, 'gallery', 'alice');
    const left = async () => ({
      incoming: await readdir(path.join(bob.home, 'incoming')),
      inbox: await readdir(path.join(bob.home, 'inbox')),
    });
    const given = async (photo: string) => {
      const lines = await answer<GivenLine[]>(alice, 'shared');
      return lines.find((line) => line.photo === photo);
    };

    const ballast = await fill(disk);
    const refused = await bob.glimpse(['request', 'alice', '1']);
    t.is(refused.exit, 1);
    t.regex(refused.error!.message, /the disk of .* is full: make room and try again/);
    t.deepEqual(await left(), { incoming: [], inbox: [] });
    t.not((await given('airplane-from-above.jpg'))!.delivery, 'delivered');

    await bob.start([]);
    await answer(bob, 'allow', 'alice', 'request');
    await answer(alice, 'share', 'bob', 'locomotion-house-cat.jpg');
    t.truthy(await awaited(async () => (/disk of .* is full/.exec(await bob.up!.said()) ? true : undefined)));
    t.deepEqual((await left()).inbox, []);
    t.not((await given('locomotion-house-cat.jpg'))!.delivery, 'delivered');

    await rm(ballast);
    const names = ['airplane-from-above.jpg', 'locomotion-house-cat.jpg'];
    const delivered = await awaited(async () => {
      const lines = await Promise.all(names.map(given));
      return lines.every((line) => line?.delivery === 'delivered') ? lines : undefined;
    });
    t.truthy(delivered, await alice.up!.said());
    for (const line of delivered ?? []) {
      const events = await answer<LogLine[]>(alice, 'log', line!.grant);
      t.is(events.filter(({ event }) => event === 'delivery').length, 1);
    }
    const asked = await answer<Received>(bob, 'request', 'alice', '1');
    t.is(asked.remaining, 3, 'nothing was spent by what failed');
    const { inbox, incoming } = await left();
    t.deepEqual([inbox.length, incoming], [2, []]);
    for (const name of inbox) {
      const carrier = await readCarrier(bytesSource(await readFile(path.join(bob.home, 'inbox', name))));
      t.false(carrier.resaved);
    }
  },
);

test.serial('a viewer’s disk that became read-only is named', async (t) => {
  t.timeout(120_000);
  const disk = await smallDisk(t, '12m');
  if (disk === undefined) return;
  const folder = await temporaryFolder(t);
  const { joinCode } = await openCloud(t, { folder, servers: 1 });
  const bob = await member(t, 'bob', { folder: disk, joinCode });
  mount('-o', 'remount,ro', disk);
  const refused = await bob.glimpse(['request', 'alice', '1']);
  t.is(refused.exit, 1);
  t.regex(refused.error!.message, /cannot be written.*GLIMPSE_HOME/);
  mount('-o', 'remount,rw', disk);
  t.is((await bob.glimpse(['inbox'])).exit, 0);
});
