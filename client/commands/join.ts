import type { Joined } from '../engine.js';
import { defineCommand } from './command.js';
import { Usage } from './failure.js';
import { text, word } from './read.js';

export const join = defineCommand({
  name: 'join',
  summary: 'register a name and its keys with a cloud',
  describe: (line) =>
    line
      .argument('<code>', 'the join code, or - to read it from standard input')
      .requiredOption('--name <name>', 'your name in the cloud')
      .option(
        '--recover <code>',
        "replace the name's keys with its recovery code; - for the next line of input",
      ),
  examples: ['glimpse join glimpse1-... --name alice', 'glimpse join - --name alice < data/join-code'],
  details: 'Joining prints a recovery code once. Keep it apart from this computer: it gives the name back.',
  read: (typed) => ({
    code: word(typed, 0),
    name: nameOf(text(typed, 'name')),
    recovery: text(typed, 'recover'),
  }),
  perform: (engine, { code, name, recovery }): Promise<Joined> =>
    recovery === undefined ? engine.join(code, name) : engine.recover(code, name, recovery),
  draw: ({ name, fingerprint, recovery }) =>
    [
      `You are ${name}.`,
      `fingerprint    ${fingerprint}`,
      ...(recovery === null
        ? ['The name was yours already: its recovery code is the one you have.']
        : [
            `recovery code  ${recovery}`,
            'Write the recovery code down and keep it apart from this computer: it is shown only here.',
          ]),
      'Next: glimpse up --gallery FOLDER',
    ].join('\n'),
});

/** Names as docs/protocol.md, "Discovery", has them. @throws Usage */
export function nameOf(name: string | undefined): string {
  if (name !== undefined && name.length <= 32 && /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(name)) return name;
  throw new Usage(
    `${name ?? 'nothing'} is not a name: use at most 32 lower-case letters, digits, and . _ - in between`,
  );
}
