import { defineCommand } from './command.js';
import { progressText } from './progress-text.js';
import { given, views, word } from './read.js';
import { deliveryText } from './share.js';

export const approve = defineCommand({
  name: 'approve',
  summary: 'admit whoever knocked, or grant a request',
  describe: (line) =>
    line.argument('<id>', 'from glimpse requests').option('--views <n>', 'how many views a request gets'),
  examples: ['glimpse approve 7f3a', 'glimpse approve 7f3a --views 2'],
  advice: {
    UNKNOWN_PHOTO:
      'serve the folder that holds this photo, then repeat the command: glimpse up --gallery FOLDER',
    BAD_PHOTO: 'export it again, or refuse the request: glimpse refuse ID',
    REVOKED: 'allow views again: glimpse rights PEER PHOTO --views N',
    DAMAGED: 'repeat the command',
  },
  read: (typed) => ({ id: word(typed, 0), views: views(typed, 'views') }),
  perform: (engine, { id, views: count }, { progress }) =>
    engine.approve(id, given({ views: count }), (each) => progress(progressText(each))),
  draw: ({ peer, shared }) =>
    shared === null ? `${peer} may browse your gallery and ask for photos now.` : deliveryText(shared),
});
