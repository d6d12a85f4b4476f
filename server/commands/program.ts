/** What glimpse-server understands: its commands, their options and their help. What they do is handed in. */
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import envPaths from 'env-paths';
import { parseAddress } from '../../core/address.js';
import type { Address } from '../../core/address.js';
import { parseDuration } from '../../core/duration.js';
import { EXIT } from '../../core/rpc/errors.js';
import type { Expected } from '../election/address-book.js';
import type { CloudOptions } from './cloud.js';
import type { InviteOptions } from './invite.js';
import type { RunOptions } from './run.js';
import { addStoreOptions, storePlaceOf } from './store-options.js';
import type { StoreFlags } from './store-options.js';

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

function peers(text: string): Expected[] {
  return text.split(',').map((each) => {
    const [id = '', at = '', ...more] = each.split('=');
    const parsed = parseAddress(at);
    if (more.length > 0 || !parsed || parsed.port === 0) {
      throw new InvalidArgumentError(
        'It must be ID=HOST:PORT, with commas between, such as b=10.0.0.2:7610.',
      );
    }
    return { id: name(id), address: at };
  });
}

function duration(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs !== undefined) return durationMs;
  throw new InvalidArgumentError('It must be a whole number and s, m, h or d, such as 30s, 10m, 2h or 7d.');
}

/** A drill is to be watched: nobody waits for longer than an hour. */
function drillTime(text: string): number {
  const awayMs = duration(text);
  if (awayMs <= 3_600_000) return awayMs;
  throw new InvalidArgumentError('It must be an hour at most.');
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

interface RunFlags extends StoreFlags {
  id: string;
  listen: Address;
  enrol: Address;
  advertise?: string;
  peers?: Expected[];
  json?: boolean;
}

interface CloudFlags extends StoreFlags {
  servers: number;
  port: number;
  host?: string;
  advertise?: string;
  restart: boolean;
  drill?: number;
  json?: boolean;
}

interface InviteFlags extends StoreFlags {
  uses: number;
  expires: number;
  name?: string;
  json?: boolean;
}

function runCommand(actions: Actions): Command {
  const anyPort: Address = { host: '127.0.0.1', port: 0 };
  return addStoreOptions(new Command('run'))
    .description(
      'Runs one server until SIGTERM or Ctrl-C. Servers with the same --data are one cloud, as are those with one --store.',
    )
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
    .addOption(
      new Option(
        '--peers <id=host:port,...>',
        'servers to expect before they first start; without it they are found in the store',
      ).argParser(peers),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  glimpse-server run --id s1 --data ./cloud --listen 0.0.0.0:7610 --enrol 0.0.0.0:7611 --advertise 192.168.1.5',
    )
    .action(async (flags: RunFlags, command: Command) => {
      const advertise = advertised(command, flags.listen.host, flags.advertise);
      await actions.run({
        ...flags,
        data: path.resolve(flags.data),
        storePlace: storePlaceOf(flags, command),
        advertise,
        peers: flags.peers ?? [],
        json: flags.json ?? false,
      });
    });
}

function cloudCommand(actions: Actions): Command {
  return addStoreOptions(new Command('cloud'))
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
    .option(
      '--drill <duration>',
      'kill one server after the other and leave it away that long, to see the cloud survive',
      drillTime,
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  glimpse-server cloud --advertise 192.168.1.5   other computers of the same network may join\n' +
        '  glimpse-server cloud --drill 20s               glimpse cloud --watch, elsewhere, shows who is away',
    )
    .action(async (flags: CloudFlags, command: Command) => {
      if (flags.drill !== undefined && (flags.servers < 2 || !flags.restart))
        command.error('error: --drill needs two servers at least, and cannot go with --no-restart', {
          exitCode: EXIT.usage,
        });
      if (flags.port + 2 * flags.servers - 1 > portMax)
        command.error('error: these servers need ports above 65535: choose a smaller --port', {
          exitCode: EXIT.usage,
        });
      const listens = flags.host ?? (flags.advertise === undefined ? '127.0.0.1' : '0.0.0.0');
      const advertise = advertised(command, listens, flags.advertise);
      await actions.cloud({
        ...flags,
        data: path.resolve(flags.data),
        storePlace: storePlaceOf(flags, command),
        host: listens,
        advertise,
        json: flags.json ?? false,
        ...(flags.drill !== undefined && { drillMs: flags.drill }),
      });
    });
}

function inviteCommand(actions: Actions): Command {
  return addStoreOptions(new Command('invite'))
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
    .action(async (flags: InviteFlags, command: Command) => {
      await actions.invite({
        ...flags,
        data: path.resolve(flags.data),
        storePlace: storePlaceOf(flags, command),
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
