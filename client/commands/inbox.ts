import { defineCommand } from './command.js';
import { shortId, table, timeText } from './table.js';

export const inbox = defineCommand({
  name: 'inbox',
  summary: 'the pictures I hold',
  examples: ['glimpse inbox'],
  read: () => undefined,
  perform: (engine) => engine.inbox(),
  draw: (lines) =>
    table(
      ['grant', 'owner', 'photo', 'state', 'left', 'of', 'mode', 'ahead', 'expires', 'file'],
      lines.map(({ grant, owner, photo, state, remaining, quota, mode, prepaid, expires, file }) => [
        shortId(grant),
        owner,
        photo,
        state,
        remaining,
        quota,
        mode,
        mode === 'prepaid' ? prepaid : null,
        timeText(expires, 'never'),
        file,
      ]),
      'You hold no pictures. Ask for one: glimpse gallery PEER, then glimpse request PEER NUMBER',
    ),
});
