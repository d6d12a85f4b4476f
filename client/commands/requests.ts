import { defineCommand } from './command.js';
import { table, timeText } from './table.js';

export const requests = defineCommand({
  name: 'requests',
  summary: 'knocks and requests that wait for me',
  examples: ['glimpse requests'],
  read: () => undefined,
  perform: async (engine) => engine.requests(),
  draw: (lines) =>
    table(
      ['id', 'from', 'wants', 'photo', 'views', 'since'],
      lines.map(({ id, peer, kind, photo, image, views, at }) => [
        id,
        peer,
        kind === 'knock' ? 'to browse' : 'a photo',
        photo ?? image,
        views === 0 ? 'any' : views,
        timeText(at),
      ]),
      'Nobody waits for you.',
    ),
});
