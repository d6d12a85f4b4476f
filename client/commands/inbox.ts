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
      ['grant', 'owner', 'photo', 'state', 'left', 'of', 'mode', 'expires', 'file'],
      lines.map(({ grant, owner, photo, state, remaining, quota, mode, expires, file }) => [
        shortId(grant),
        owner,
        photo,
        state,
        remaining,
        quota,
        mode,
        timeText(expires, 'never'),
        file,
      ]),
      'You hold no pictures. Ask for one: glimpse gallery PEER, then glimpse request PEER NUMBER',
    ),
});
