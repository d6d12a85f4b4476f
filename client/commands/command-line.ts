/** The command line of glimpse: commander takes it apart and writes the help; reading what it means is the commands'. */
import { Command as Line, CommanderError } from 'commander';
import type { Typed } from '../web/control.js';
import type { Command } from './command.js';
import { Usage } from './failure.js';

export interface Chosen {
  readonly command: Command;
  readonly typed: Pick<Typed, 'arguments' | 'options'>;
  readonly json: boolean;
}

/** What was chosen, or the text that was asked for (help, version). @throws Usage */
export function parseLine(
  words: readonly string[],
  commands: readonly Command[],
  version: string,
): Chosen | { readonly said: string } {
  let chosen: Chosen | undefined;
  let said = '';
  const line = new Line('glimpse')
    .description('Share a photo with someone, peer to peer, for a number of glimpses.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => (said += text),
      writeErr: (text) => (said += text),
      outputError: () => {},
    })
    .addHelpText('after', start);
  for (const command of commands) {
    describe(line, command, (words, options) => {
      const { json, ...others } = options;
      chosen = { command, typed: { arguments: words, options: others }, json: json === true };
    });
  }
  try {
    line.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { said };
    throw new Usage(
      error.code === 'commander.help' ? `no command was given\n\n${said}` : plain(error.message),
    );
  }
  return chosen ?? { said };
}

const start = `
Start here:
  glimpse join CODE --name alice      with a join code of a cloud (npm start prints one)
  glimpse up --gallery ~/Pictures     and leave it running
  glimpse peers                       in another terminal

Your keys, and what you hold, are in GLIMPSE_HOME or the platform's data folder.
A vault under a passphrase is opened with the file that GLIMPSE_PASSPHRASE_FILE names, or you are asked.
Exit codes: 0 done, 1 failed, 2 usage, 3 no view allowed, 4 unknown, 5 unreachable, 6 refused.`;

type Choose = (words: readonly string[], options: Typed['options']) => void;

function describe(line: Line, command: Command, choose: Choose): void {
  const below = line.command(command.name).summary(command.summary).description(sentence(command.summary));
  command.describe?.(below);
  below
    .option('--json', 'print one JSON document')
    .addHelpText('after', helpText(command))
    .action(() => choose(below.args, below.opts()));
}

function helpText({ details, examples }: Command): string {
  const told = details === undefined ? '' : `\n${details}\n`;
  return `${told}\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${examples.map((each) => `  ${each}`).join('\n')}`;
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const plain = (message: string) => message.replace(/^error: /, '');
