/** A real cloud of processes, and clients on it, each with a vault of its own: loopback, free ports, temporary folders. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createEngine } from '../../../client/create-engine.js';
import type { Engine, Running, UpOptions } from '../../../client/engine.js';
import { Outgoing } from '../../../client/cloud/outgoing.js';
import { openVault } from '../../../client/vault/vault.js';
import type { Vault } from '../../../client/vault/vault.js';

export const photos = path.resolve('test/photos');

/** Whatever a test or a file of tests has begun, ended in the opposite order. */
export class Ending {
  readonly #ends: (() => unknown)[] = [];

  add(end: () => unknown): void {
    this.#ends.push(end);
  }

  readonly all = async (): Promise<void> => {
    for (const end of this.#ends.splice(0).reverse()) await end();
  };

  async folder(): Promise<string> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'glimpse-engine-'));
    this.add(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }
}

export interface ServerLine {
  readonly id: string;
  readonly address: string;
  readonly pid: number;
}

export interface RunningCloud {
  /** The folder of its store, keys and logs. */
  readonly data: string;
  readonly joinCode: string;
  readonly servers: readonly ServerLine[];
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

const server = fileURLToPath(new URL('../../../server/main.js', import.meta.url));

export async function startCloud(ending: Ending, servers: number, ...args: string[]): Promise<RunningCloud> {
  const data = path.join(await ending.folder(), 'cloud');
  const all = ['cloud', '--json', '--port', '0', '--servers', String(servers), '--data', data, ...args];
  const child = spawn(process.execPath, [server, ...all], { stdio: ['ignore', 'pipe', 'ignore', 'ipc'] });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await once(lines, 'line')) as [string];
  lines.on('line', () => undefined);
  const ready = JSON.parse(line) as { joinCode: string; servers: ServerLine[] };
  ending.add(async () => {
    // One that a test has stopped cannot end in good order.
    for (const { pid } of ready.servers) signal(pid, 'SIGCONT');
    await stop();
  });
  return { data, joinCode: ready.joinCode, servers: ready.servers, process: child, stop };
}

/** Nothing, if the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export interface TestClient {
  readonly name: string;
  /** Told when it joined. */
  readonly recovery: string | null;
  readonly engine: Engine;
  readonly vault: Vault;
  readonly folder: string;
  /** What it told, from now on: the first line that matches. */
  told(pattern: RegExp): Promise<string>;
  up(options?: Partial<UpOptions>): Promise<Running>;
}

/** Deliveries are tried quickly: what is tested is that they are, not how long a person would wait. */
export const quick = { progressMs: 1_500, pauseMs: 100, awayPollMs: 250 } as const;

export async function newcomer(ending: Ending, cloud: RunningCloud, name: string): Promise<TestClient> {
  const client = await stranger(ending, name);
  const { recovery } = await client.engine.join(cloud.joinCode, name);
  return { ...client, recovery };
}

/** A client that has not joined. */
export async function stranger(ending: Ending, name: string, into?: string): Promise<TestClient> {
  const folder = into ?? (await ending.folder());
  const vault = openVault(folder);
  const lines = new Outgoing<string>();
  const told: string[] = [];
  const engine = createEngine({ vault, periods: quick, tell: (line) => lines.push(line) });
  ending.add(async () => {
    await engine.close();
    vault.close();
  });
  const heard = lines[Symbol.asyncIterator]();
  return {
    name,
    recovery: null,
    engine,
    vault,
    folder,
    async told(pattern) {
      for (;;) {
        const at = told.findIndex((line) => pattern.test(line));
        if (at >= 0) return told.splice(at, 1)[0]!;
        told.push((await heard.next()).value as string);
      }
    },
    up: (options = {}) => engine.up({ ...offer, ...options }),
  };
}

const offer: UpOptions = {
  listen: { host: '127.0.0.1', port: 0 },
  views: 2,
  mode: 'strict',
  cover: 'preview',
  open: false,
};

/** Alice with the gallery, and Bob who may request from her. Both are up. */
export async function aliceAndBob(ending: Ending, cloud: RunningCloud, suffix = '') {
  const alice = await newcomer(ending, cloud, `alice${suffix}`);
  const bob = await newcomer(ending, cloud, `bob${suffix}`);
  const aliceUp = await alice.up({ gallery: photos });
  const bobUp = await bob.up();
  await alice.engine.allow(bob.name, 'request');
  return { alice, bob, aliceUp, bobUp };
}

/** The listing of a gallery, by name. */
export async function listing(viewer: TestClient, owner: string): Promise<Map<string, number>> {
  const numbers = new Map<string, number>();
  for await (const part of viewer.engine.browse(owner)) {
    if (part.kind === 'photo') numbers.set(part.name, part.number);
  }
  return numbers;
}

export const original = (name: string): Promise<Buffer> => readFile(path.join(photos, name));

/** 64 pieces of 24 bytes, from all over. */
export function piecesOf(bytes: Buffer): Buffer[] {
  const step = Math.floor((bytes.length - 24) / 64);
  return Array.from({ length: 64 }, (_, at) => bytes.subarray(at * step, at * step + 24));
}

/** The files below a folder that hold a piece of these bytes. */
export async function holdingPieces(folder: string, bytes: Buffer): Promise<string[]> {
  const pieces = piecesOf(bytes);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name));
  const found = await Promise.all(
    files.map(async (file) => {
      const held = await readFile(file);
      return pieces.some((piece) => held.includes(piece)) ? [file] : [];
    }),
  );
  return found.flat();
}
