/** An etcd of three members on this machine, as docs/deploy.md has it run, on free ports and disks of its own. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pRetry from 'p-retry';
import { mortal } from './processes.js';

const program = '/usr/bin/etcd';
export const isEtcdInstalled = (): boolean => existsSync(program);

/** @throws Error with what it said */
async function etcdctl(...words: string[]): Promise<void> {
  await promisify(execFile)('etcdctl', words, { env: { ...process.env, ETCDCTL_API: '3' }, timeout: 60_000 });
}

/** Where a member listens: for clients, and for the other members. */
export interface MemberPlace {
  readonly name: string;
  readonly host: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** Where its data lies; beside that of the others if not given. */
  readonly folder?: string;
  /** What it is started through, to run elsewhere than here. */
  readonly through?: readonly string[];
}

export interface EtcdOptions {
  readonly places?: readonly MemberPlace[];
  /** More of etcd's own options, for every member. */
  readonly options?: readonly string[];
  readonly scheme?: 'http' | 'https';
}

export class Etcd {
  readonly #folder: string;
  readonly #places: readonly MemberPlace[];
  readonly #options: EtcdOptions;
  readonly #members: ChildProcess[] = [];

  private constructor(folder: string, places: readonly MemberPlace[], options: EtcdOptions) {
    this.#folder = folder;
    this.#places = places;
    this.#options = options;
  }

  /** Resolves when all of them run; they have a leader a moment later. */
  static async start(options: EtcdOptions = {}): Promise<Etcd> {
    const folder = await mkdtemp(path.join(tmpdir(), 'glimpse-etcd-'));
    const etcd = new Etcd(folder, options.places ?? (await freePlaces(3)), options);
    for (const index of etcd.#places.keys()) etcd.restart(index);
    return etcd;
  }

  /** host:port of the members, for clients. */
  get addresses(): string[] {
    return this.#places.map(({ host, clientPort }) => `${host}:${clientPort}`);
  }

  /** `--store` for it. */
  location(prefix = 'glimpse'): string {
    return `etcd://${this.addresses.join(',')}/${prefix}`;
  }

  /** Which member leads, once one does. Only without TLS, and from where it can be reached. */
  async leader(): Promise<number> {
    return pRetry(() => this.#leaderNow(), { retries: 600, factor: 1, minTimeout: 50 });
  }

  async kill(index: number, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (!this.isAlive(index)) return;
    const member = this.#members[index]!;
    const ended = once(member, 'exit');
    member.kill(signal);
    await ended;
  }

  /** Whether it runs: one whose disk is full ends by itself. */
  isAlive(index: number): boolean {
    const { exitCode, signalCode } = this.#members[index]!;
    return exitCode === null && signalCode === null;
  }

  signal(index: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#members[index]!.kill(signal);
  }

  restart(index: number): void {
    const place = this.#places[index]!;
    const [first, ...rest] = [...(place.through ?? mortal), program, ...this.#arguments(place)] as const;
    const member = spawn(first!, rest, { stdio: 'ignore' });
    this.#members[index] = member;
  }

  /** Writes a backup of all it has, as docs/deploy.md says. */
  async save(file: string): Promise<void> {
    await etcdctl('--endpoints', this.addresses[0]!, 'snapshot', 'save', file);
  }

  /** Loses everything, and begins anew with what a backup has. */
  async restore(file: string): Promise<void> {
    await Promise.all(this.#members.map((_, index) => this.kill(index)));
    for (const [index, place] of this.#places.entries()) {
      await rm(this.#data(place), { recursive: true, force: true });
      await etcdctl('snapshot', 'restore', file, ...this.#identity(place));
      this.restart(index);
    }
  }

  async remove(): Promise<void> {
    await Promise.all(this.#members.map((_, index) => this.kill(index)));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #leaderNow(): Promise<number> {
    for (const [index, address] of this.addresses.entries()) {
      const text = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(1000) })
        .then((response) => response.text())
        .catch(() => '');
      if (/^etcd_server_is_leader 1$/m.test(text)) return index;
    }
    throw new Error('etcd has no leader');
  }

  #data({ name, folder }: MemberPlace): string {
    return folder ?? path.join(this.#folder, name);
  }

  /** What a member is started with, and restored with. */
  #identity(place: MemberPlace): string[] {
    const peers = this.#places.map(({ name, host, peerPort }) => `${name}=http://${host}:${peerPort}`);
    return [
      ...['--name', place.name, '--data-dir', this.#data(place)],
      ...['--initial-advertise-peer-urls', `http://${place.host}:${place.peerPort}`],
      ...['--initial-cluster', peers.join(','), '--initial-cluster-token', path.basename(this.#folder)],
    ];
  }

  #arguments(place: MemberPlace): string[] {
    const { name, host, clientPort, peerPort } = place;
    const scheme = this.#options.scheme ?? 'http';
    return [
      ...this.#identity(place),
      ...['--listen-client-urls', `${scheme}://${host}:${clientPort}`],
      ...['--advertise-client-urls', `${scheme}://${host}:${clientPort}`],
      ...['--listen-peer-urls', `http://${host}:${peerPort}`],
      ...['--heartbeat-interval', '50', '--election-timeout', '500', '--pre-vote'],
      ...['--logger', 'zap', '--log-outputs', path.join(this.#folder, `${name}.log`)],
      ...(this.#options.options ?? []),
    ];
  }
}

export async function freePlaces(count: number): Promise<MemberPlace[]> {
  const ports = await freePorts(2 * count);
  return Array.from({ length: count }, (_, index) => ({
    name: `m${index + 1}`,
    host: '127.0.0.1',
    clientPort: ports[2 * index]!,
    peerPort: ports[2 * index + 1]!,
  }));
}

/** Members are told of each other before they start, so none can choose its port itself. */
async function freePorts(count: number): Promise<number[]> {
  const holders = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(holders.map((holder) => once(holder, 'listening')));
  const ports = holders.map((holder) => (holder.address() as AddressInfo).port);
  await Promise.all(holders.map((holder) => once(holder.close(), 'close')));
  return ports;
}
