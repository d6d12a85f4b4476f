import type { Safety } from '../engine.js';
import { defineCommand } from './command.js';
import { flag, word } from './read.js';

export const verify = defineCommand({
  name: 'verify',
  summary: 'the safety number that a peer and I share',
  describe: (line) =>
    line
      .argument('<peer>', 'name')
      .option('--confirm', 'the two of you compared the number and it is the same'),
  examples: ['glimpse verify bob', 'glimpse verify bob --confirm'],
  details:
    'Compare the number in person or by phone, not through the cloud: only this catches a cloud that lies.',
  read: (typed) => ({ peer: word(typed, 0), confirm: flag(typed, 'confirm') }),
  perform: (engine, { peer, confirm }): Promise<Safety> =>
    confirm ? engine.markVerified(peer) : engine.safety(peer),
  draw: ({ peer, number, verified, changed }) =>
    [
      ...(changed ? [`${peer} comes with another key than before. The number is that of the new key.`] : []),
      number,
      verified ? `${peer} is verified.` : `If ${peer} sees the same number: glimpse verify ${peer} --confirm`,
    ].join('\n'),
});
