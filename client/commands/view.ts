import { existsSync } from 'node:fs';
import { EXIT, Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { View } from '../engine.js';
import { drawPicture } from '../web/terminal.js';
import type { Picture } from '../web/shown.js';
import { defineCommand } from './command.js';
import type { Failure } from './failure.js';
import { filePath, word } from './read.js';
import { plural } from './table.js';

interface Viewed {
  readonly grant: string;
  readonly shown: 'photo' | 'cover';
  readonly remaining: number;
  /** Why there is no view; null if there was one. */
  readonly reason: 'spent' | 'revoked' | 'expired' | null;
  /** The same for people. */
  readonly message: string | null;
  readonly url: string;
}

export const view = defineCommand({
  name: 'view',
  summary: 'one view of a picture I hold',
  describe: (line) =>
    line
      .argument('<grant-or-file>', 'from glimpse inbox, or a copy of the picture')
      .option('--open', 'in the browser'),
  examples: ['glimpse view 3f2a --open', 'glimpse view ./from-alice.png'],
  details:
    'Spends a view. The photo is never written to a disk: the address gives it once, within a minute, on this\n' +
    'computer. With no view left the cover is shown instead, and the exit code is 3.',
  advice: {
    UNKNOWN_GRANT: 'see what you hold: glimpse inbox',
  },
  read: (typed) => {
    const what = word(typed, 0);
    if (/^[0-9a-f]{1,32}$/i.test(what)) return { what: what.toLowerCase() };
    const file = filePath(typed, what);
    if (existsSync(file)) return { what: file };
    throw new Refused(Reason.UNKNOWN_GRANT, `There is no file ${file}, and ${what} is no grant.`);
  },
  perform: async (engine, { what }, { room, drawing, show }): Promise<Viewed> => {
    const seen = await engine.view(what);
    const picture = pictureOf(seen);
    const drawn = room && (await drawPicture(picture.bytes, room));
    if (drawn) drawing(drawn);
    const { grant, shown, remaining } = seen;
    const why =
      seen.shown === 'cover'
        ? { reason: seen.reason, message: seen.message }
        : { reason: null, message: null };
    return { grant, shown, remaining, ...why, url: await show(picture) };
  },
  draw: ({ shown, remaining, url }) =>
    [
      shown === 'photo' ? `The photo. ${plural(remaining, 'view')} left.` : 'The cover, as everyone sees it.',
      `Once, within a minute: ${url}`,
    ].join('\n'),
  failure: ({ reason, message }): Failure | undefined =>
    reason === null
      ? undefined
      : {
          reason: failureReasons[reason],
          message: message ?? reason,
          next: 'ask the owner',
          exit: EXIT.noView,
        },
  address: ({ url }) => url,
});

const failureReasons = { spent: 'VIEWS_SPENT', revoked: 'REVOKED', expired: 'EXPIRED' } as const;

function pictureOf(seen: View): Picture {
  return seen.shown === 'photo'
    ? { bytes: seen.bytes, mediaType: seen.mediaType }
    : { bytes: seen.png, mediaType: 'image/png' };
}
