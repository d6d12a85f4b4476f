/** Where a command finds the store: options of run, cloud and invite. */
import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { EXIT } from '../../core/rpc/errors.js';
import type { AccessFiles } from '../store/etcd/access.js';
import { parseEtcdLocation } from '../store/location.js';
import type { EtcdLocation } from '../store/location.js';
import type { StorePlace } from '../store/open.js';

export interface StoreFlags {
  readonly data: string;
  readonly store?: EtcdLocation;
  readonly storeCa?: string;
  readonly storeCert?: string;
  readonly storeKey?: string;
  readonly storeUser?: string;
}

function location(text: string): EtcdLocation {
  const parsed = parseEtcdLocation(text);
  if (parsed) return parsed;
  throw new InvalidArgumentError(
    'It must be etcd://HOST[:PORT],...[/PREFIX]; a user and its password go into a file, see --store-user.',
  );
}

export function addStoreOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--store <location>', 'etcd://HOST,HOST,... for servers on several machines').argParser(
        location,
      ),
    )
    .option('--store-ca <file>', 'CA of etcd, PEM; without it the connection is in clear')
    .option('--store-cert <file>', 'certificate to show to etcd, PEM')
    .option('--store-key <file>', 'its key, PEM')
    .option('--store-user <file>', 'one line name:password, where etcd asks for a user');
}

export function storePlaceOf(flags: StoreFlags, command: Command): StorePlace {
  const { store, storeCa, storeCert, storeKey, storeUser } = flags;
  const files = { ca: storeCa, cert: storeCert, key: storeKey, user: storeUser };
  const wrong = wrongIn(files, store !== undefined);
  if (wrong !== undefined) command.error(`error: ${wrong}`, { exitCode: EXIT.usage });
  const directory = path.resolve(flags.data);
  return { directory, etcd: store && { ...store, files: mapped(files) } };
}

type Files = Required<AccessFiles>;

const mapped = (files: Files): Files => ({
  ca: absolute(files.ca),
  cert: absolute(files.cert),
  key: absolute(files.key),
  user: absolute(files.user),
});

const absolute = (file: string | undefined): string | undefined =>
  file === undefined ? undefined : path.resolve(file);

function wrongIn({ ca, cert, key, user }: Files, isEtcd: boolean): string | undefined {
  if (!isEtcd && (ca ?? cert ?? key ?? user) !== undefined)
    return '--store-ca, -cert, -key and -user are for etcd: say with --store where it is';
  if ((cert === undefined) !== (key === undefined)) return '--store-cert and --store-key go together';
  if (ca !== undefined) return undefined;
  if (user !== undefined) return '--store-user needs --store-ca: the password would travel in clear';
  return cert === undefined ? undefined : '--store-cert needs --store-ca';
}

/** The same, for a command that is started with it. */
export function storeArguments({ etcd }: StorePlace): string[] {
  if (!etcd) return [];
  const { members, prefix, files } = etcd;
  const named = Object.entries(files as Files).flatMap(([name, file]) =>
    file === undefined ? [] : [`--store-${name}`, file],
  );
  return ['--store', `etcd://${members.join(',')}/${prefix.slice(0, -1)}`, ...named];
}
