import { defineCommand } from './command.js';
import { shortId, table, timeText } from './table.js';

export const shared = defineCommand({
  name: 'shared',
  summary: 'what I gave',
  examples: ['glimpse shared'],
  read: () => undefined,
  perform: async (engine, _none, { byUp }) => {
    if (!byUp) await engine.flush();
    return engine.shared();
  },
  draw: (lines) =>
    table(
      [
        'grant',
        'viewer',
        'photo',
        'used',
        'of',
        'mode',
        'outstanding',
        'expires',
        'version',
        'taken',
        'delivery',
      ],
      lines.map(
        ({
          grant,
          viewer,
          photo,
          used,
          quota,
          mode,
          outstanding,
          expires,
          revoked,
          version,
          pending,
          taken,
          delivery,
        }) => [
          shortId(grant),
          viewer,
          photo,
          used,
          quota,
          mode,
          mode === 'prepaid' || outstanding !== 0 ? outstanding : null,
          revoked ? 'revoked' : timeText(expires, 'never'),
          `${version}${pending ? ', waits for the cloud' : ''}`,
          taken,
          delivery,
        ],
      ),
      'You have given nothing yet.',
    ),
});
