import type { Prepaid } from '../engine.js';
import { defineCommand } from './command.js';
import { batchMax, viewsWithin, word } from './read.js';
import { plural, shortId } from './table.js';

export const prepay = defineCommand({
  name: 'prepay',
  summary: 'unlock views ahead, to be shown without the cloud',
  describe: (line) => line.argument('<grant>', 'from glimpse inbox').argument('<n>', 'how many views'),
  examples: ['glimpse prepay 3f2a 2'],
  details:
    'The owner must have chosen the mode prepaid, and how many views may be ahead. They are spent at once, whether\n' +
    'they are ever shown or not: none is given back. glimpse view shows them, with or without the cloud.',
  read: (typed) => ({ grant: word(typed, 0), views: viewsWithin(word(typed, 1), 1, batchMax) }),
  perform: (engine, { grant, views }): Promise<Prepaid> => engine.prepay(grant, views),
  draw: ({ grant, unlocked, prepaid }) =>
    `${plural(unlocked, 'view')} of ${shortId(grant)} unlocked ahead: ${plural(prepaid, 'view')} can be shown without the cloud.`,
});
