/** What the demo plays on: folders, a cloud of three servers, and people. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CloudReady } from './cloud.js';
import { runCloud } from './cloud.js';
import { Person } from './person.js';
import type { Running } from './processes.js';
import type { Transcript } from './transcript.js';

export class Stage {
  readonly transcript: Transcript;
  readonly gallery: string;
  readonly folder: string;
  readonly pictures: string;
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
  cloud: Running | undefined;

  constructor(transcript: Transcript, gallery: string, folder: string) {
    this.transcript = transcript;
    this.gallery = gallery;
    this.folder = folder;
    this.pictures = path.join(folder, 'pictures');
    const person = (name: string) => new Person(name, folder, (...told) => transcript.command(...told));
    this.alice = person('alice');
    this.bob = person('bob');
    this.carol = person('carol');
  }

  static async build(transcript: Transcript, gallery: string): Promise<Stage> {
    const stage = new Stage(transcript, gallery, await mkdtemp(path.join(tmpdir(), 'glimpse-demo-')));
    await mkdir(path.join(stage.folder, 'logs'));
    await mkdir(stage.pictures);
    return stage;
  }

  async openCloud(): Promise<CloudReady> {
    this.cloud = runCloud({ folder: this.folder, servers: 3 });
    return (await this.cloud.ready()) as CloudReady;
  }

  get processes(): readonly Running[] {
    return [this.alice.up, this.bob.up, this.cloud].filter((each) => each !== undefined);
  }

  /** Ends every process; of the folder only the pictures stay. */
  async clear(): Promise<void> {
    await Promise.all([this.alice, this.bob].map(async ({ up }) => up?.stop()));
    await this.cloud?.stop();
    for (const below of ['cloud', 'alice', 'bob', 'carol', 'logs']) {
      await rm(path.join(this.folder, below), { recursive: true, force: true });
    }
  }

  /** As clear, but at once, for the end of this process. */
  kill(): void {
    for (const each of this.processes) each.kill();
  }
}
