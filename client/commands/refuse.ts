import { defineCommand } from './command.js';
import { word } from './read.js';

export const refuse = defineCommand({
  name: 'refuse',
  summary: 'refuse a knock or a request',
  describe: (line) => line.argument('<id>', 'from glimpse requests'),
  examples: ['glimpse refuse 7f3a'],
  read: (typed) => ({ id: word(typed, 0) }),
  perform: async (engine, { id }) => ({ ...engine.refuse(id), refused: true }),
  draw: ({ peer, kind }) => `The ${kind} of ${peer} is refused.`,
});
