import type { RightsChanged } from '../engine.js';
import { defineCommand } from './command.js';
import { Usage } from './failure.js';
import { duration, flag, given, mode, text, views, word } from './read.js';
import type { Typed } from '../web/control.js';
import { plural, shortId } from './table.js';

/** In words: who has the new version. */
const deliveredWords: Readonly<Record<RightsChanged['delivered'] | 'reached', string>> = {
  direct: 'the ledger and the viewer have it',
  held: 'the ledger has it; the cloud tells the viewer on return',
  pending: 'the cloud cannot be reached: it waits in the outbox while up runs',
  reached: 'the viewer has it; the cloud cannot be reached: it waits in the outbox while up runs',
};

export const rights = defineCommand({
  name: 'rights',
  summary: 'change what a viewer may',
  describe: (line) =>
    line
      .argument('<viewer>', 'name, or name#fingerprint')
      .argument('<photo-or-grant>', 'name or image id of the photo, or the grant')
      .option('--views <n>', 'so many views in all, from the beginning')
      .option('--add <n>', 'so many more')
      .option('--revoke', 'none from now on')
      .option('--expires <span>', 'none after that: 30m, 2h, 7d, or never')
      .option('--mode <mode>', 'strict: every view is unlocked at the cloud; prepaid: some ahead')
      .option('--batch <n>', 'with prepaid: views that may be unlocked ahead, 5 if you do not say'),
  examples: [
    'glimpse rights bob 2 --add 2',
    'glimpse rights bob 2 --mode prepaid --batch 3',
    'glimpse rights bob 3f2a --revoke',
  ],
  details:
    'Signs a new version and puts it into the ledger: from then on it counts. To allow views again takes a\nrevocation back.',
  advice: {
    UNKNOWN_GRANT: 'see what you gave: glimpse shared',
    UNKNOWN_PEER: 'see what you gave, and to whom: glimpse shared',
    UNKNOWN_PHOTO: 'see what you gave: glimpse shared',
  },
  read: (typed) => ({ viewer: word(typed, 0), what: word(typed, 1), wish: wishOf(typed) }),
  perform: (engine, { viewer, what, wish: { expiresMs, ...wish } }): Promise<RightsChanged> => {
    const expiresAtMs = typeof expiresMs === 'number' ? Date.now() + expiresMs : expiresMs;
    return engine.rights(viewer, what, given({ ...wish, expiresAtMs }));
  },
  draw: ({ grant, version, quota, revoked, mode: name, delivered, reached }) =>
    `Version ${version} of grant ${shortId(grant)}: ${revoked ? 'revoked' : `${plural(quota, 'view')} in all, ${name}`}; ${deliveredWords[delivered === 'pending' && reached ? 'reached' : delivered]}.`,
});

function wishOf(typed: Typed) {
  const wish = {
    views: views(typed, 'views', 0),
    add: views(typed, 'add'),
    revoke: flag(typed, 'revoke') ? true : undefined,
    expiresMs: text(typed, 'expires') === 'never' ? null : duration(typed, 'expires'),
    mode: undefined,
    ...mode(typed),
  };
  if (Object.values(wish).every((each) => each === undefined)) {
    throw new Usage('nothing to change: give --views, --add, --revoke, --expires or --mode');
  }
  if (wish.views !== undefined && wish.add !== undefined) {
    throw new Usage('--views counts from the beginning and --add on top: give one of them');
  }
  if (wish.revoke && (wish.views ?? wish.add) !== undefined) {
    throw new Usage('--revoke allows no views: leave --views and --add out');
  }
  return wish;
}
