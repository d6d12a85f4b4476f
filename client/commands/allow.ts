import { defineCommand } from './command.js';
import { oneOf, word } from './read.js';

export const allow = defineCommand({
  name: 'allow',
  summary: 'what a contact may do',
  describe: (line) =>
    line.argument('<peer>', 'name, or name#fingerprint').argument('<policy>', 'none, browse or request'),
  examples: ['glimpse allow bob request', 'glimpse allow mallory none'],
  details:
    'none: not even the thumbnails. browse: the gallery; each request waits for you.\n' +
    'request: the gallery, and photos without asking you, for as many views as up has it.',
  read: (typed) => ({
    peer: word(typed, 0),
    policy: oneOf(word(typed, 1), ['none', 'browse', 'request'], 'a policy'),
  }),
  perform: async (engine, { peer, policy }) => {
    await engine.allow(peer, policy);
    return { peer, policy };
  },
  draw: ({ peer, policy }) => `${peer} may: ${policy}.`,
});
