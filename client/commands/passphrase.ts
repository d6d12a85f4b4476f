import { defineCommand } from './command.js';
import { flag } from './read.js';

export const passphrase = defineCommand({
  name: 'passphrase',
  summary: 'put the keys in the vault under a passphrase, or change or remove it',
  describe: (line) => line.option('--remove', 'store the keys without a passphrase again'),
  examples: ['glimpse passphrase', 'glimpse passphrase < new-passphrase', 'glimpse passphrase --remove'],
  details:
    'It is asked for in the terminal, or read as one line from standard input; never given as an argument. From then\n' +
    'on up, and commands while up does not run, need it: from the file that GLIMPSE_PASSPHRASE_FILE names, or from\n' +
    'you. Nobody can tell it to you again: without it, take your name back with the recovery code of joining.',
  read: (typed) => ({ remove: flag(typed, 'remove') }),
  perform: async (_engine, { remove }, { protect }) => {
    await protect(remove ? 'remove' : 'set');
    return { passphrase: !remove };
  },
  draw: ({ passphrase: isSet }) =>
    isSet
      ? 'The keys in the vault are under the passphrase.\nCopies of the vault from before, if there are any, are not.'
      : 'The keys in the vault are no longer under a passphrase.',
  here: true,
});
