/** A cloud of server processes and members in processes of their own, all on loopback, all in one folder. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Child } from './child.js';
import type { Group } from './groups.js';

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const serverMain = program('../../server/main.js');

/** A computer of its own: where it is reached, and what a program is started through to run there. */
export interface Host {
  readonly address: string;
  readonly through: readonly string[];
}

export interface CloudOptions {
  /** Empty; everything lies in it. */
  readonly folder: string;
  readonly servers: readonly string[];
  /** By server: the group it runs in. */
  readonly groups?: ReadonlyMap<string, Group>;
  /** By name, of servers and members: the computer it runs on, if it is not this one. */
  readonly hosts?: ReadonlyMap<string, Host>;
  /** Where the store is, if it is in etcd. */
  readonly store?: string;
  /** Further words for Node, such as --cpu-prof. */
  readonly node?: readonly string[];
}

export interface ServerAddress {
  readonly id: string;
  readonly address: string;
  readonly enrolment: string;
}

export class BenchCloud {
  readonly servers: Child[];
  readonly members: Child[] = [];
  readonly #options: CloudOptions;
  #joinCode = '';

  private constructor(options: CloudOptions) {
    this.#options = options;
    this.servers = options.servers.map((id) => this.#start(id));
  }

  #start(id: string): Child {
    const { folder, groups, hosts, store, node = [] } = this.#options;
    const host = hosts?.get(id);
    const words = [
      program('server.process.js'),
      id,
      path.join(folder, 'cloud'),
      host?.address ?? '127.0.0.1',
      ...(store === undefined ? [] : [store]),
    ];
    const through = [...(groups?.get(id)?.through ?? []), ...(host?.through ?? [])];
    return new Child(id, [...node, ...words], path.join(folder, `${id}.log`), through);
  }

  /** A server that is gone, begun again. */
  async restart(id: string): Promise<Child> {
    const server = this.#start(id);
    this.servers[this.#options.servers.indexOf(id)] = server;
    await server.ask('ready');
    return server;
  }

  static async open(options: CloudOptions): Promise<BenchCloud> {
    const data = path.join(options.folder, 'cloud');
    await mkdir(data, { recursive: true });
    const cloud = new BenchCloud(options);
    try {
      await cloud.addresses();
      const store = options.store === undefined ? [] : ['--store', options.store];
      const words = [serverMain, 'invite', '--data', data, ...store, '--uses', '100', '--json'];
      const { stdout } = await promisify(execFile)(process.execPath, words);
      cloud.#joinCode = (JSON.parse(stdout) as { joinCode: string }).joinCode;
      return cloud;
    } catch (error) {
      await cloud.close();
      throw error;
    }
  }

  addresses(): Promise<ServerAddress[]> {
    return Promise.all(this.servers.map((server) => server.ask<ServerAddress>('ready')));
  }

  async policy(name: string): Promise<void> {
    await Promise.all(this.servers.map((server) => server.ask('policy', name)));
  }

  /** A member that joined and is up, with a gallery of its own if asked for. */
  async member(name: string, gallery?: string): Promise<Child> {
    const { folder, hosts, node = [] } = this.#options;
    const host = hosts?.get(name);
    const home = path.join(folder, name);
    const words = [...node, program('client.process.js'), home, host?.address ?? '127.0.0.1'];
    const member = new Child(name, words, path.join(folder, `${name}.log`), host?.through);
    this.members.push(member);
    await member.ask('join', { code: this.#joinCode, name });
    await member.ask('up', gallery ?? null);
    return member;
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    await Promise.all(this.servers.map((server) => server.stop()));
    for (const group of this.#options.groups?.values() ?? []) group.remove();
  }
}
