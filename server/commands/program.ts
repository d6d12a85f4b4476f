/** What glimpse-server understands: its commands, their options and their help. What they do is handed in. */
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import envPaths from 'env-paths';
import { parseAddress } from '../../core/address.js';
import type { Address } from '../../core/address.js';
import { parseDuration } from '../../core/duration.js';
import { EXIT } from '../../core/rpc/errors.js';
import type { CloudOptions } from './cloud.js';
import type { InviteOptions } from './invite.js';
import type { RunOptions } from './run.js';

export interface Actions {
  run(options: RunOptions): Promise<void>;
  cloud(options: CloudOptions): Promise<void>;
  invite(options: InviteOptions): Promise<void>;
}

const namePattern = /^[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?$/;
const portMax = 65_535;
const wildcards = new Set(['0.0.0.0', '::']);

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function name(text: string): string {
  if (namePattern.test(text)) return text;
  throw new InvalidArgumentError(
    'It must be 1 to 32 of a-z, 0-9, dot, dash and underscore, with a letter or digit at both ends.',
  );
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed) return parsed;
  throw new InvalidArgumentError('It must be HOST:PORT, such as 127.0.0.1:7610; port 0 is any free one.');
}

function host(text: string): string {
  if (parseAddress(`${text.includes(':') ? `[${text}]` : text}:1`)) return text;
  throw new InvalidArgumentError('It must be a host name or an IP address, without a port.');
}

function duration(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs !== undefined) return durationMs;
  throw new InvalidArgumentError('It must be a whole number and s, m, h or d, such as 30s, 10m, 2h or 7d.');
}

/** The host that others are told: what was said, or where it listens if that is one address. */
function advertised(command: Command, listens: string, said: string | undefined): string {
  if (said !== undefined) return said;
  if (!wildcards.has(listens)) return listens;
  return command.error(
    `error: ${listens} stands for every address of this machine: say with --advertise HOST how others reach it`,
    { exitCode: EXIT.usage },
  );
}

function dataOption(): Option {
  return new Option('--data <dir>', 'folder of the cloud: its store, keys and logs').default(
    path.join(envPaths('glimpse', { suffix: '' }).data, 'cloud'),
  );
}

const jsonOption = (): Option => new Option('--json', 'print JSON');

interface RunFlags {
  id: string;
  data: string;
  listen: Address;
  enrol: Address;
  advertise?: string;
  json?: boolean;
}

interface CloudFlags {
  servers: number;
  port: number;
  data: string;
  host?: string;
  advertise?: string;
  restart: boolean;
  json?: boolean;
}

interface InviteFlags {
  data: string;
  uses: number;
  expires: number;
  name?: string;
  json?: boolean;
}

function runCommand(actions: Actions): Command {
  const anyPort: Address = { host: '127.0.0.1', port: 0 };
  return new Command('run')
    .description('Runs one server until SIGTERM or Ctrl-C. Servers with the same --data are one cloud.')
    .requiredOption('--id <id>', 'its place in the ring, which is in the order of ids', name)
    .addOption(dataOption())
    .addOption(
      new Option('--listen <host:port>', 'for clients and servers')
        .argParser(address)
        .default(anyPort, '127.0.0.1, a free port'),
    )
    .addOption(
      new Option('--enrol <host:port>', 'for newcomers, and health')
        .argParser(address)
        .default(anyPort, '127.0.0.1, a free port'),
    )
    .option('--advertise <host>', 'the host that others are told', host)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  glimpse-server run --id s1 --data ./cloud --listen 0.0.0.0:7610 --enrol 0.0.0.0:7611 --advertise 192.168.1.5',
    )
    .action(async (flags: RunFlags, command: Command) => {
      const advertise = advertised(command, flags.listen.host, flags.advertise);
      await actions.run({ ...flags, data: path.resolve(flags.data), advertise, json: flags.json ?? false });
    });
}

function cloudCommand(actions: Actions): Command {
  return new Command('cloud')
    .description('Runs the whole cloud on this machine, and shows its ring until Ctrl-C.')
    .option('--servers <n>', 'how many servers', wholeNumber(1, 32), 3)
    .option('--port <port>', 'first of two ports a server; 0: free ones', wholeNumber(0, portMax), 7610)
    .addOption(dataOption())
    .option(
      '--host <host>',
      'address to listen on (default: 127.0.0.1, with --advertise every address)',
      host,
    )
    .option('--advertise <host>', 'the host that others are told, for a cloud of several computers', host)
    .option('--no-restart', 'leave a server that died alone')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample, for other computers of the same network to join:\n  glimpse-server cloud --advertise 192.168.1.5',
    )
    .action(async (flags: CloudFlags, command: Command) => {
      if (flags.port + 2 * flags.servers - 1 > portMax)
        command.error('error: these servers need ports above 65535: choose a smaller --port', {
          exitCode: EXIT.usage,
        });
      const listens = flags.host ?? (flags.advertise === undefined ? '127.0.0.1' : '0.0.0.0');
      const advertise = advertised(command, listens, flags.advertise);
      await actions.cloud({
        ...flags,
        data: path.resolve(flags.data),
        host: listens,
        advertise,
        json: flags.json ?? false,
      });
    });
}

function inviteCommand(actions: Actions): Command {
  return new Command('invite')
    .description('Makes a join code for the cloud that runs on --data.')
    .addOption(dataOption())
    .option('--uses <n>', 'how many may join with it', wholeNumber(1, 100_000), 1)
    .addOption(
      new Option('--expires <duration>', 'how long it may be used')
        .argParser(duration)
        .default(3_600_000, '1h'),
    )
    .option('--name <name>', 'the only name it admits', name)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample, a code for Bob that works once within a week:\n  glimpse-server invite --name bob --expires 7d',
    )
    .action(async (flags: InviteFlags) => {
      await actions.invite({
        ...flags,
        data: path.resolve(flags.data),
        expiresMs: flags.expires,
        name: flags.name ?? '',
        json: flags.json ?? false,
      });
    });
}

/** A usage error ends in CommanderError, as does help, with exit code 0. */
export function serverProgram(actions: Actions): Command {
  const program = new Command('glimpse-server')
    .description('The cloud of Glimpse: servers that hide photos, count views and tell who is online.')
    .exitOverride();
  for (const command of [runCommand(actions), cloudCommand(actions), inviteCommand(actions)])
    program.addCommand(command.copyInheritedSettings(program));
  return program;
}
