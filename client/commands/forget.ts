import { defineCommand } from './command.js';
import { word } from './read.js';

export const forget = defineCommand({
  name: 'forget',
  summary: 'remove a picture I hold',
  describe: (line) => line.argument('<grant>', 'from glimpse inbox'),
  examples: ['glimpse forget 3f2a'],
  details: 'Copies elsewhere stay. Asking the owner again brings it back, with the views that are left.',
  advice: {
    UNKNOWN_GRANT: 'see what you hold: glimpse inbox',
  },
  read: (typed) => ({ grant: word(typed, 0) }),
  perform: async (engine, { grant }) => {
    await engine.forget(grant);
    return { grant, forgotten: true };
  },
  draw: () => 'Forgotten.',
});
