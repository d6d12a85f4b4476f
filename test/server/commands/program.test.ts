import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { CommanderError } from 'commander';
import { serverProgram } from '../../../server/commands/program.js';
import type { RunOptions } from '../../../server/commands/run.js';
import { storeArguments } from '../../../server/commands/store-options.js';

interface Parsed {
  readonly error: CommanderError | undefined;
  readonly said: string;
  /** The command that would run, and its options. */
  readonly ran: readonly [string, Readonly<Record<string, unknown>>] | undefined;
}

async function parse(...args: readonly string[]): Promise<Parsed> {
  let ran: Parsed['ran'];
  let said = '';
  const program = serverProgram({
    run: async (options) => void (ran = ['run', { ...options }]),
    cloud: async (options) => void (ran = ['cloud', { ...options }]),
    invite: async (options) => void (ran = ['invite', { ...options }]),
  });
  const say = (text: string): void => void (said += text);
  for (const command of [program, ...program.commands])
    command.configureOutput({ writeOut: say, writeErr: say });
  try {
    await program.parseAsync(args, { from: 'user' });
    return { error: undefined, said, ran };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { error, said, ran };
  }
}

const misuse = test.macro({
  exec: async (t: ExecutionContext, args: readonly string[], says: RegExp) => {
    const { error, said, ran } = await parse(...args);
    t.not(error?.exitCode ?? 0, 0);
    t.regex(said, says);
    t.is(ran, undefined);
  },
  title: (_, args: readonly string[]) => `refused as usage: glimpse-server ${args.join(' ')}`,
});
test(misuse, [], /Usage: glimpse-server/);
test(misuse, ['fly'], /unknown command 'fly'/);
test(misuse, ['run'], /required option '--id <id>'/);
test(misuse, ['run', '--id', 'S 1'], /It must be 1 to 32 of a-z/);
test(misuse, ['run', '--id', 's1', '--listen', 'nowhere'], /It must be HOST:PORT/);
test(misuse, ['run', '--id', 's1', '--listen', '0.0.0.0:0'], /say with --advertise HOST how others reach it/);
test(misuse, ['run', '--id', 's1', '--store', 'etcd://me:word@a'], /into a file, see --store-user/);
test(misuse, ['run', '--id', 's1', '--store-ca', 'ca.pem'], /are for etcd/);
test(misuse, ['run', '--id', 's1', '--store', 'etcd://a', '--store-key', 'k'], /go together/);
test(misuse, ['run', '--id', 's1', '--store', 'etcd://a', '--store-user', 'u'], /would travel in clear/);
test(misuse, ['run', '--id', 's1', '--peers', '10.0.0.2:7610'], /It must be ID=HOST:PORT/);
test(misuse, ['cloud', '--servers', '0'], /It must be a whole number from 1 to 32/);
test(misuse, ['cloud', '--servers', '3x'], /It must be a whole number from 1 to 32/);
test(misuse, ['cloud', '--port', '65531'], /ports above 65535/);
test(misuse, ['cloud', '--drill', '20'], /a whole number and s, m, h or d/);
test(misuse, ['cloud', '--drill', '30d'], /an hour at most/);
test(misuse, ['cloud', '--drill', '20s', '--servers', '1'], /needs two servers at least/);
test(misuse, ['cloud', '--drill', '20s', '--no-restart'], /cannot go with --no-restart/);
test(misuse, ['cloud', '--advertise', 'a:1'], /without a port/);
test(misuse, ['cloud', '--host', '::'], /say with --advertise HOST how others reach it/);
test(misuse, ['invite', '--expires', '1w'], /such as 30s, 10m, 2h or 7d/);
test(misuse, ['invite', '--uses', '0'], /It must be a whole number/);
test(misuse, ['invite', '--name', 'Bob'], /It must be 1 to 32 of a-z/);

const explains = test.macro({
  exec: async (t: ExecutionContext, name: string) => {
    const { error, said } = await parse(name, '--help');
    t.is(error?.exitCode, 0);
    t.regex(said, new RegExp(`Example[^]*glimpse-server ${name} `));
    t.regex(said, /--json/);
  },
  title: (_, name: string) => `glimpse-server ${name} --help has an example`,
});
test(explains, 'run');
test(explains, 'cloud');
test(explains, 'invite');

test('the cloud listens to this machine alone unless it is told what to advertise', async (t) => {
  const alone = await parse('cloud', '--data', 'some');
  t.deepEqual(alone.ran, [
    'cloud',
    {
      servers: 3,
      port: 7610,
      data: path.resolve('some'),
      storePlace: { directory: path.resolve('some'), etcd: undefined },
      host: '127.0.0.1',
      advertise: '127.0.0.1',
      restart: true,
      json: false,
    },
  ]);
  const open = await parse('cloud', '--advertise', '192.168.1.5', '--no-restart', '--json');
  const [, options] = open.ran!;
  t.like(options, { host: '0.0.0.0', advertise: '192.168.1.5', restart: false, json: true });
  t.is((await parse('cloud', '--drill', '20s')).ran![1]['drillMs'], 20_000);
  const bound = await parse('cloud', '--host', '10.0.0.7');
  t.like(bound.ran![1], { host: '10.0.0.7', advertise: '10.0.0.7' });
});

test('a code works once, within the hour, for whoever has it, unless it is told otherwise', async (t) => {
  t.like((await parse('invite')).ran![1], { uses: 1, expiresMs: 3_600_000, name: '', json: false });
  const told = await parse('invite', '--uses', '5', '--expires', '7d', '--name', 'bob', '--json');
  t.like(told.ran![1], { uses: 5, expiresMs: 604_800_000, name: 'bob', json: true });
});

test('a server is told where to listen, and takes free ports of this machine otherwise', async (t) => {
  const free = { host: '127.0.0.1', port: 0 };
  t.like((await parse('run', '--id', 's1')).ran![1], {
    id: 's1',
    listen: free,
    enrol: free,
    advertise: '127.0.0.1',
  });
  const told = await parse('run', '--id', 's1', '--listen', '[::1]:7610', '--enrol', '[::1]:7611');
  t.like(told.ran![1], {
    listen: { host: '::1', port: 7610 },
    enrol: { host: '::1', port: 7611 },
    advertise: '::1',
  });
});

test('a store in etcd is named with its members, its files and its prefix', async (t) => {
  const files = [
    '--store-ca',
    'ca.pem',
    '--store-cert',
    'c.pem',
    '--store-key',
    'k.pem',
    '--store-user',
    'u',
  ];
  const peers = ['--peers', 'b=10.0.0.2:7610,c=[::1]:7610'];
  const { ran } = await parse('run', '--id', 'a', '--store', 'etcd://h1,h2:2400/x', ...files, ...peers);
  const { storePlace, peers: expected } = ran![1] as unknown as RunOptions;
  t.deepEqual(storePlace.etcd, {
    members: ['h1:2379', 'h2:2400'],
    prefix: 'x/',
    files: {
      ca: path.resolve('ca.pem'),
      cert: path.resolve('c.pem'),
      key: path.resolve('k.pem'),
      user: path.resolve('u'),
    },
  });
  t.deepEqual(expected, [
    { id: 'b', address: '10.0.0.2:7610' },
    { id: 'c', address: '[::1]:7610' },
  ]);
  const again = await parse('run', '--id', 'a', ...storeArguments(storePlace));
  t.deepEqual((again.ran![1] as unknown as RunOptions).storePlace, storePlace, 'as cloud hands it on');
});
