import type { Shared } from '../engine.js';
import { defineCommand } from './command.js';
import { progressText } from './progress-text.js';
import { duration, fileOrWord, given, mode, text, views, word } from './read.js';
import type { Typed } from '../web/control.js';
import { plural, shortId } from './table.js';

export const share = defineCommand({
  name: 'share',
  summary: 'deliver a photo without being asked',
  describe: (line) =>
    line
      .argument('<peer>', 'name, or name#fingerprint')
      .argument('<photo>', 'number, name, path or image id in your gallery')
      .option('--views <n>', 'how many views')
      .option('--expires <span>', 'how long they last: 30m, 2h, 7d')
      .option('--mode <mode>', 'strict: every view is unlocked at the cloud; prepaid: some ahead')
      .option('--batch <n>', 'with prepaid: views that may be unlocked ahead, 5 if you do not say')
      .option('--cover <cover>', 'what everyone sees: preview, drawn, dunes, dusk, waves, or a picture file'),
  examples: ['glimpse share bob holiday/beach.jpg --views 2', 'glimpse share bob 3 --expires 7d'],
  details:
    'While the viewer is away the picture waits in the outbox; up delivers it when the viewer is back.',
  advice: {
    UNKNOWN_PHOTO:
      'name a photo in the folder that glimpse up --gallery FOLDER serves, or give the path of a file',
    BAD_PHOTO: 'export it again, or choose another photo',
    REVOKED: 'allow views again: glimpse rights PEER PHOTO --views N',
    DAMAGED: 'repeat the command',
  },
  read: (typed) => ({
    peer: word(typed, 0),
    photo: fileOrWord(typed, word(typed, 1)),
    views: views(typed, 'views'),
    expiresMs: duration(typed, 'expires'),
    cover: coverOf(typed),
    mode: mode(typed),
  }),
  perform: (engine, typed, { progress }): Promise<Shared> => {
    const { peer, photo, views: count, expiresMs, cover } = typed;
    const expiresAtMs = expiresMs === undefined ? undefined : Date.now() + expiresMs;
    const options = { ...given({ views: count, expiresAtMs, cover }), ...typed.mode };
    return engine.share(peer, photo, options, (each) => progress(progressText(each)));
  },
  draw: (shared) =>
    [
      deliveryText(shared),
      ...(shared.again
        ? [
            'It is the grant that was there before, with its picture and its views: glimpse rights changes the views.',
          ]
        : []),
    ].join('\n'),
});

export function deliveryText({ grant, viewer, quota, mode: name, verified, delivery }: Shared): string {
  const who = `${viewer}${verified ? '' : ' (unverified)'}`;
  const what = `grant ${shortId(grant)}, ${plural(quota, 'view')}${name === 'prepaid' ? ', prepaid' : ''}`;
  if (delivery === 'delivered') return `${who} has it: ${what}.`;
  return `${who} is away: ${what}, waits in the outbox and is delivered while up runs.`;
}

function coverOf(typed: Typed): string | undefined {
  const cover = text(typed, 'cover');
  return cover === undefined ? undefined : fileOrWord(typed, cover);
}
