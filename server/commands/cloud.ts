/**
 * glimpse-server cloud: the whole cloud on this machine. It starts the servers as processes of their own, starts
 * again what dies, hands out a join code, shows the ring until it is told to stop, and stops them in good order.
 */
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { formatAddress, parseAddress } from '../../core/address.js';
import { makeFolder } from '../../core/folder.js';
import { ringLines } from '../../core/ring-lines.js';
import { openClaimed } from '../claim.js';
import type { Cluster } from '../cluster.js';
import { listMembers, strike } from '../election/address-book.js';
import { drawServerIdentity } from '../identity.js';
import { openStore } from '../store/open.js';
import type { StorePlace } from '../store/open.js';
import type { Store } from '../store/store.js';
import { isRunning, lockCloud } from './locks.js';
import { drill } from './drill.js';
import { CommandFailed } from './outside.js';
import type { Outside } from './outside.js';
import { Screen } from './screen.js';
import { NotReady, ServerProcess } from './server-process.js';
import type { Ready } from './server-process.js';
import { storeArguments } from './store-options.js';
import { keepJoinCode } from './standing-code.js';
import { watchRing } from './ring-watch.js';

export interface CloudOptions {
  readonly servers: number;
  /** Of the first server; each takes two. 0: free ones. */
  readonly port: number;
  readonly data: string;
  readonly storePlace: StorePlace;
  /** The address to listen on. */
  readonly host: string;
  /** The host that others are told. */
  readonly advertise: string;
  readonly restart: boolean;
  /** Each server is away for so long, in turn; absent: none is on purpose. */
  readonly drillMs?: number;
  readonly json: boolean;
}

export const CLOUD_LIMITS = {
  /** From the death of a server to its next start: time to read why, and no busy loop if it dies again. */
  restartMs: 2000,
} as const;

/** Runs until it is told to stop. @throws CommandFailed, StoreUnavailable, BadCluster */
export async function cloud(options: CloudOptions, outside: Outside): Promise<void> {
  const lock = lockCloud(options.data);
  const ids = serverIds(options.servers);
  const processes = ids.map((id, index) => serverProcess(options, outside, id, index));
  const stopAll = () => Promise.all(processes.map((process) => process.stop()));
  outside.stop.addEventListener('abort', () => void stopAll(), { once: true });
  try {
    const cluster = await prepare(options, ids);
    const ready = outside.stop.aborted ? undefined : await startAll(processes, outside.stop);
    if (ready) await present(options, outside, cluster, processes, ready);
  } finally {
    await stopAll();
    lock.release();
  }
}

/** What is done once for all servers, before any of them starts. */
async function prepare({ data, storePlace }: CloudOptions, ids: readonly string[]): Promise<Cluster> {
  await turnLogs(path.join(data, 'logs'), ids);
  const store = await openStore(storePlace, () => undefined);
  try {
    // In etcd there may be servers of other machines.
    if (!storePlace.etcd) await strikeOthers(store, data, ids);
    return await openClaimed(store, path.join(data, 'cluster'));
  } finally {
    await store.close();
  }
}

/** Logs begin anew with each cloud; those of the one before are kept. */
async function turnLogs(folder: string, ids: readonly string[]): Promise<void> {
  makeFolder(folder, 0o700);
  for (const id of ids) {
    await rename(path.join(folder, `${id}.log`), path.join(folder, `${id}.log.1`)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }
}

/** Servers of a larger cloud than this one would be called dead for ever. */
async function strikeOthers(store: Store, data: string, ids: readonly string[]): Promise<void> {
  for (const { member } of await listMembers(store)) {
    const isOurs = member === undefined || ids.includes(member.id);
    if (!isOurs && !isRunning(data, member.id)) await strike(store, member.id);
  }
}

function serverIds(count: number): string[] {
  const width = String(count).length;
  return Array.from({ length: count }, (_, index) => `s${String(index + 1).padStart(width, '0')}`);
}

function serverProcess(options: CloudOptions, { self }: Outside, id: string, index: number): ServerProcess {
  const fixed = (offset: number): number => (options.port === 0 ? 0 : options.port + 2 * index + offset);
  return new ServerProcess({
    id,
    // A free port that was found once is kept, since addresses have been told to others.
    command: (before) => [
      ...self,
      ...['run', '--json', '--id', id, '--data', options.data, '--advertise', options.advertise],
      ...storeArguments(options.storePlace),
      ...['--listen', formatAddress({ host: options.host, port: portOf(before?.address) ?? fixed(0) })],
      ...['--enrol', formatAddress({ host: options.host, port: portOf(before?.enrolment) ?? fixed(1) })],
    ],
    logFile: path.join(options.data, 'logs', `${id}.log`),
    restartMs: options.restart ? CLOUD_LIMITS.restartMs : undefined,
  });
}

function portOf(address: string | undefined): number | undefined {
  return address === undefined ? undefined : parseAddress(address)?.port;
}

/** Undefined if it was told to stop meanwhile. */
async function startAll(
  processes: readonly ServerProcess[],
  stop: AbortSignal,
): Promise<readonly Ready[] | undefined> {
  const started = await Promise.allSettled(processes.map((process) => process.start()));
  if (stop.aborted) return undefined;
  const failed = started.find((result) => result.status === 'rejected');
  if (!failed) return started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  if (!(failed.reason instanceof NotReady)) throw failed.reason;
  throw new CommandFailed(failed.reason.message, failed.reason.exitCode, { cause: failed.reason });
}

async function present(
  options: CloudOptions,
  outside: Outside,
  cluster: Cluster,
  processes: readonly ServerProcess[],
  ready: readonly Ready[],
): Promise<void> {
  const codeFile = path.join(options.data, 'join-code');
  const store = await openStore(options.storePlace, () => undefined);
  const code = await keepJoinCode({
    file: codeFile,
    store,
    authority: cluster.authority,
    addresses: ready.map(({ enrolment }) => enrolment),
    now: outside.now(),
  }).finally(() => store.close());
  const screen = new Screen(outside.out, options.json);
  screen.begin({
    joinCode: code.text,
    expiresAt: code.expiresAt,
    codeFile,
    data: options.data,
    servers: processes.map((process) => ({ ...process.ready!, pid: process.pid! })),
  });
  for (const process of processes) {
    process.on('died', (how) => screen.say({ event: 'died', id: process.id, how, again: options.restart }));
    process.on('ready', ({ id }) => screen.say({ event: 'started', id, pid: process.pid! }));
  }
  const { drillMs } = options;
  const away = (id: string): void => screen.say({ event: 'away', id, forMs: drillMs! });
  const drilled = drillMs === undefined ? undefined : drill(processes, drillMs, away, outside.stop);
  const identity = await drawServerIdentity(cluster.authority, 'cloud', outside.now().getTime());
  const addresses = (): string[] => processes.flatMap(({ ready: now }) => (now ? [now.address] : []));
  for await (const view of watchRing(addresses, identity, outside.stop)) screen.show(ringLines(view));
  await drilled;
  screen.end();
}
