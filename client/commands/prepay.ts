import type { Prepaid } from '../engine.js';
import { defineCommand } from './command.js';
import { Usage } from './failure.js';
import { word } from './read.js';
import { plural, shortId } from './table.js';

/** Views of one batch: docs/protocol.md, "Prepaid views". */
const batchViewsMax = 64;

export const prepay = defineCommand({
  name: 'prepay',
  summary: 'unlock views ahead, to be shown without the cloud',
  describe: (line) => line.argument('<grant>', 'from glimpse inbox').argument('<n>', 'how many views'),
  examples: ['glimpse prepay 3f2a 2'],
  details:
    'The owner must have chosen the mode prepaid, and how many views may be ahead. They are spent at once, whether\n' +
    'they are ever shown or not: none is given back. glimpse view shows them, with or without the cloud.',
  read: (typed) => ({ grant: word(typed, 0), views: countOf(word(typed, 1)) }),
  perform: (engine, { grant, views }): Promise<Prepaid> => engine.prepay(grant, views),
  draw: ({ grant, unlocked, prepaid }) =>
    `${plural(unlocked, 'view')} of ${shortId(grant)} unlocked ahead: ${plural(prepaid, 'view')} can be shown without the cloud.`,
});

/** @throws Usage */
function countOf(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= batchViewsMax) return count;
  throw new Usage(`${text} is not a number of views: give one from 1 to ${batchViewsMax}`);
}
