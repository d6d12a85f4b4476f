/**
 * The servers, the clients and their etcd: real processes, each on a host of its own where there can be network
 * namespaces, with disks of their own where there can be mounts.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Child } from '../bench/table/child.js';
import type { Granted } from '../bench/table/requested.js';
import { serverProgram } from '../demo/cloud.js';
import { Etcd } from '../demo/etcd.js';
import { Person } from '../demo/person.js';
import { Running, awaited, mortal } from '../demo/processes.js';
import { Disk } from './disk.js';
import { openHosts } from './hosts.js';
import type { Hosts, Place } from './hosts.js';
import { Kept } from './kept.js';
import { drawGallery } from './photos.js';
import type { CableState } from './proxy.js';
import type { Inventory } from './rules/schedule.js';
import { fileURLToPath } from 'node:url';

const ports = { server: 7610, enrolment: 7611, client: 7700, etcd: 2379, etcdPeer: 2380 } as const;
/** What etcd reserves ahead, and more. */
const etcdMiB = 384;
const memberProgram = fileURLToPath(new URL('../bench/table/client.process.js', import.meta.url));
const readerProgram = fileURLToPath(new URL('reader.process.js', import.meta.url));

export interface TownOptions {
  /** Empty; everything lies in it. */
  readonly folder: string;
  readonly etcd: boolean;
  readonly servers: number;
  readonly clients: readonly string[];
  /** In the gallery of each client. */
  readonly photos: number;
  /** What a client's pictures need, MiB. */
  readonly diskMiB: number;
  readonly mishap: (what: string) => void;
}

/** Someone whose client is kept up. */
export interface Client {
  readonly name: string;
  readonly kept: Kept;
  readonly person: Person;
  /** Reads the addresses at which a view is shown, which only its host has. */
  readonly reader: Child;
}

export class Town {
  readonly servers = new Map<string, Kept>();
  readonly clients = new Map<string, Client>();
  readonly disks = new Map<string, Disk>();
  /** By server: where it is asked. */
  readonly addresses = new Map<string, string>();
  /** By owner and photo: the digest of its file. */
  readonly digests = new Map<string, string>();
  readonly #options: TownOptions;
  readonly #hosts: Hosts;
  readonly #places = new Map<string, Place>();
  etcd: Etcd | undefined;
  #prober: Child | undefined;

  private constructor(options: TownOptions, hosts: Hosts) {
    this.#options = options;
    this.#hosts = hosts;
  }

  static async open(options: TownOptions): Promise<Town> {
    const town = new Town(options, await openHosts());
    try {
      await town.#open();
      return town;
    } catch (error) {
      await town.close();
      throw error;
    }
  }

  get inventory(): Inventory {
    return {
      servers: [...this.servers.keys()],
      clients: [...this.clients.keys()],
      members: this.etcd ? this.etcd.addresses.map((_, index) => `etcd${index + 1}`) : [],
      disks: [...this.disks.keys()],
      cables: this.#hosts.cables,
    };
  }

  /** Has exactly this server elect. @throws Error if it does not within that time */
  async elect(server: string, deadlineMs: number): Promise<Granted> {
    const asked = { addresses: [this.addresses.get(server)!], deadlineMs };
    const [granted] = await this.#prober!.ask<[Granted]>('elect', asked);
    return granted;
  }

  /** Resolves when the directory shows every client, as it must soon when nothing is wrong; tells if it does not. */
  async found(): Promise<void> {
    let missing: readonly string[] = [];
    const isEverybody = async (): Promise<true | undefined> => {
      // A cloud that cannot be asked yet shows nobody.
      const online = await this.#prober!.ask<string[]>('online').catch((): string[] => []);
      missing = [...this.clients.keys()].filter((name) => !online.includes(name));
      return missing.length === 0 || undefined;
    };
    if (!(await awaited(isEverybody)))
      this.#options.mishap(`not in the directory, though up: ${missing.join(', ')}`);
  }

  cable(name: string, state: CableState): void {
    this.#places.get(name)!.cable(state);
  }

  /** Everybody who ended by himself is started again, and told of. */
  async look(): Promise<void> {
    await Promise.all(this.#kept.map((kept) => kept.look()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.clients.values()].map(({ reader }) => reader.kill()));
    await this.#prober?.kill();
    await Promise.all(this.#kept.map((kept) => kept.kill()));
    await this.etcd?.remove();
    for (const disk of this.disks.values()) disk.remove();
    this.#hosts.remove();
  }

  get #kept(): readonly Kept[] {
    return [...this.servers.values(), ...[...this.clients.values()].map(({ kept }) => kept)];
  }

  get #data(): string {
    return path.join(this.#options.folder, 'cloud');
  }

  async #open(): Promise<void> {
    const { folder, servers, clients } = this.#options;
    await mkdir(path.join(folder, 'logs'));
    const ids = Array.from({ length: servers }, (_, index) => `s${index + 1}`);
    const open = async (names: readonly string[], at: readonly number[]): Promise<void> => {
      for (const name of names) this.#places.set(name, await this.#hosts.host(at));
    };
    await open(ids, [ports.server, ports.enrolment]);
    await open(clients, [ports.client]);
    await open(['prober'], []);
    this.#mount('cloud', this.#data, this.#options.diskMiB);
    if (this.#options.etcd) await this.#openEtcd(ids);
    for (const id of ids) {
      this.servers.set(id, this.#server(id));
      await this.servers.get(id)!.start();
    }
    const joinCode = await this.#invite();
    await this.#openProber(joinCode);
    await Promise.all(clients.map((name) => this.#openClient(name, joinCode)));
  }

  async #openEtcd(ids: readonly string[]): Promise<void> {
    const places = ids.slice(0, 3).map((id, index) => {
      const { address, through } = this.#places.get(id)!;
      const name = `etcd${index + 1}`;
      const folder = path.join(this.#options.folder, name);
      this.#mount(name, folder, etcdMiB);
      return {
        ...{ name, host: address, clientPort: ports.etcd, peerPort: ports.etcdPeer, folder },
        through: [...mortal, ...through],
      };
    });
    this.etcd = await Etcd.start({ places });
  }

  #mount(name: string, folder: string, mebibytes: number): void {
    const disk = Disk.mount(folder, mebibytes);
    if (disk) this.disks.set(`disk of ${name}`, disk);
  }

  get #store(): readonly string[] {
    return this.etcd ? ['--store', this.etcd.location()] : [];
  }

  #server(id: string): Kept {
    const { address, advertised, through } = this.#places.get(id)!;
    this.addresses.set(id, `${advertised}:${ports.server}`);
    const at = (port: number): string => `${address}:${port}`;
    const listen = ['--listen', at(ports.server), '--enrol', at(ports.enrolment), '--advertise', advertised];
    const words = ['run', '--json', '--id', id, '--data', this.#data, ...this.#store, ...listen];
    return new Kept(id, () => this.#run(id, words, through), this.#options.mishap);
  }

  async #run(name: string, words: readonly string[], through: readonly string[]): Promise<Running> {
    const running = new Running({
      name,
      words: [serverProgram, ...words],
      through: [...mortal, ...through],
      environment: {},
      output: path.join(this.#options.folder, 'logs', `${name}.out`),
    });
    await running.ready().catch(async (error: unknown) => {
      await running.stop();
      throw error;
    });
    return running;
  }

  async #invite(): Promise<string> {
    const words = ['invite', '--json', '--uses', '100', '--data', this.#data, ...this.#store];
    const { through } = this.#places.get('s1')!;
    const running = new Running({
      name: 'invite',
      words: [serverProgram, ...words],
      through: [...mortal, ...through],
      environment: {},
      output: path.join(this.#options.folder, 'logs', 'invite.out'),
    });
    return ((await running.ready()) as { joinCode: string }).joinCode;
  }

  async #openProber(code: string): Promise<void> {
    const { address, through } = this.#places.get('prober')!;
    this.#prober = this.#child(
      'prober',
      [memberProgram, path.join(this.#options.folder, 'prober'), address],
      through,
    );
    await this.#prober.ask('join', { code, name: 'prober' });
  }

  async #openClient(name: string, joinCode: string): Promise<void> {
    const { folder, photos, diskMiB, mishap } = this.#options;
    const { address, advertised, through } = this.#places.get(name)!;
    this.#mount(name, path.join(folder, name), diskMiB);
    const gallery = path.join(folder, 'galleries', name);
    for (const [photo, digest] of await drawGallery(gallery, name, photos))
      this.digests.set(`${name}/${photo}`, digest);
    const person = new Person(name, folder, () => undefined, [...mortal, ...through]);
    await person.join(joinCode);
    const listen = ['--listen', `${address}:${ports.client}`, '--advertise', advertised];
    const begin = async (): Promise<Running> => {
      await person.start([...listen, '--gallery', gallery, '--open']).catch(async (error: unknown) => {
        await person.up?.stop();
        throw error;
      });
      return person.up!;
    };
    const kept = new Kept(name, begin, mishap);
    const reader = this.#child(`${name}-reader`, [readerProgram], through);
    this.clients.set(name, { name, kept, person, reader });
    await kept.start();
  }

  #child(name: string, words: readonly string[], through: readonly string[]): Child {
    const log = path.join(this.#options.folder, 'logs', `${name}.log`);
    return new Child(name, words, log, [...mortal, ...through]);
  }
}
