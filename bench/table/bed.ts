/**
 * What the tables are measured on: three servers, three viewers and one owner or three, each a process of its own.
 * Servers that are uneven have a share of the CPU; the strongest loses half of its own for the second half of each
 * measurement.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { BenchCloud } from './cloud.js';
import type { ServerAddress } from './cloud.js';
import type { Child, Used } from './child.js';
import { makeGroup } from './groups.js';
import type { Group } from './groups.js';
import { fillGallery, picture } from './photos.js';
import type { PhotoSize } from './photos.js';
import type { Requested } from './requested.js';

export const serverIds = ['s1', 's2', 's3'] as const;
const viewerNames = ['client1', 'client2', 'client3'] as const;

export interface BedOptions {
  readonly folder: string;
  readonly size: PhotoSize;
  readonly owners: number;
  /** Cores by server, the least first; undefined: equal servers without quotas. */
  readonly quotas: readonly number[] | undefined;
}

/** One measurement: what each client asked for, and what was used meanwhile. */
export interface Sitting {
  readonly policy: string;
  readonly byClient: readonly (readonly Requested[])[];
  readonly wallMs: number;
  /** By process. */
  readonly used: Readonly<Record<string, Used>>;
}

interface Owner {
  readonly name: string;
  readonly gallery: string;
  readonly member: Child;
}

export class Bed {
  readonly #options: BedOptions;
  readonly #cloud: BenchCloud;
  readonly #groups: readonly Group[];
  readonly #owners: Owner[] = [];
  readonly #viewers: Child[] = [];
  #jpeg: Buffer = Buffer.alloc(0);
  #numbered = 0;
  #closing: Promise<void> | undefined;

  private constructor(options: BedOptions, cloud: BenchCloud, groups: readonly Group[]) {
    this.#options = options;
    this.#cloud = cloud;
    this.#groups = groups;
  }

  /** @throws Error where control groups are asked for and cannot be made: see `canQuota` */
  static async make(options: BedOptions): Promise<Bed> {
    const { folder, quotas, owners, size } = options;
    const groups = quotas === undefined ? [] : serverIds.map(newGroup);
    // They start with a core each, or starting would take a minute.
    for (const group of groups) group.allow(1);
    const byServer = new Map(groups.map((group, index) => [serverIds[index]!, group]));
    const cloud = await BenchCloud.open({ folder, servers: serverIds, groups: byServer });
    const bed = new Bed(options, cloud, groups);
    try {
      bed.#jpeg = await picture(size);
      await bed.#join(owners);
      bed.#allowAll();
      return bed;
    } catch (error) {
      await bed.close();
      throw error;
    }
  }

  async #join(owners: number): Promise<void> {
    const { folder, size } = this.#options;
    for (let index = 1; index <= owners; index += 1) {
      const name = `owner${index}`;
      const gallery = path.join(folder, `photos-${name}`);
      await fillGallery(gallery, this.#jpeg, size, [0]);
      this.#owners.push({ name, gallery, member: await this.#cloud.member(name, gallery) });
    }
    for (const name of viewerNames) this.#viewers.push(await this.#cloud.member(name));
  }

  /** `clients` viewers at once ask for so many photos each, one after the other, which nobody asked for before. */
  async sit(policy: string, clients: number, requests: number): Promise<Sitting> {
    const viewers = this.#viewers.slice(0, clients);
    const asks = await this.#ready(viewers, requests);
    await this.#cloud.policy(policy);
    const processes = [...this.#cloud.servers, ...this.#cloud.members];
    await Promise.all(processes.map((process) => process.ask('used')));
    const beganMs = performance.now();
    const byClient = await Promise.all(
      viewers.map((viewer, index) => this.#inHalves(viewer, asks[index]!, index === 0)),
    );
    const wallMs = performance.now() - beganMs;
    const used = await Promise.all(
      processes.map(async (process) => [process.name, await process.ask<Used>('used')] as const),
    );
    this.#allowAll();
    await Promise.all(this.#cloud.members.map((member) => member.ask('clear')));
    return { policy, byClient, wallMs, used: Object.fromEntries(used) };
  }

  /** Fresh photos at every owner, and listed, as a viewer does before asking; the listing is not measured. */
  async #ready(viewers: readonly Child[], requests: number): Promise<Asking[]> {
    const asks: Asking[] = [];
    for (const [index, owner] of this.#owners.entries()) {
      const served = viewers.filter((_, at) => at % this.#owners.length === index);
      const numbers = Array.from({ length: served.length * requests }, () => (this.#numbered += 1));
      const names = await fillGallery(owner.gallery, this.#jpeg, this.#options.size, numbers);
      for (const [at, viewer] of served.entries()) {
        const ids = await viewer.ask<Record<string, string>>('browse', owner.name);
        const images = names.slice(at * requests, (at + 1) * requests).map((name) => ids[name]!);
        asks[viewers.indexOf(viewer)] = { owner: owner.name, images };
      }
    }
    return asks;
  }

  async #inHalves(viewer: Child, { owner, images }: Asking, first: boolean): Promise<Requested[]> {
    const half = Math.ceil(images.length / 2);
    const before = await viewer.ask<Requested[]>('request', { owner, images: images.slice(0, half) });
    const { quotas } = this.#options;
    if (first && quotas !== undefined) this.#groups.at(-1)!.allow(quotas.at(-1)! / 2);
    const after = await viewer.ask<Requested[]>('request', { owner, images: images.slice(half) });
    return [...before, ...after];
  }

  #allowAll(): void {
    const { quotas } = this.#options;
    this.#groups.forEach((group, index) => group.allow(quotas![index]!));
  }

  /** One more member, who has nothing to do with the others. */
  another(name: string): Promise<Child> {
    return this.#cloud.member(name);
  }

  addresses(): Promise<readonly ServerAddress[]> {
    return this.#cloud.addresses();
  }

  /** Once, however often it is called. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const group of this.#groups) group.allow(1);
    await this.#cloud.close();
    await rm(this.#options.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Asking {
  readonly owner: string;
  readonly images: readonly string[];
}

const groupName = (id: string): string => `glimpse-bench-${process.pid}-${id}`;

function newGroup(id: string): Group {
  const group = makeGroup(groupName(id));
  if (group === undefined) throw new Error('Control groups with a quota cannot be made here.');
  return group;
}

/** Whether this user may give processes a share of the CPU here. */
export function canQuota(): boolean {
  const group = makeGroup(groupName('try'));
  group?.remove();
  return group !== undefined;
}
