/** A cloud and people with vaults of their own, as real processes on free ports. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CloudChoice, CloudReady } from '../../demo/cloud.js';
import { cloudFolder, runCloud, serverProgram } from '../../demo/cloud.js';
import { Person } from '../../demo/person.js';
import { Running } from '../../demo/processes.js';

export const photos = path.resolve('test/photos');

const pty = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

/** What a program is started through to have a terminal with colours. python3 is there, or nothing would be built. */
export const inTerminal = [
  'env',
  '-u',
  'NO_COLOR',
  '-u',
  'CI',
  '-u',
  'FORCE_COLOR',
  'TERM=xterm-256color',
  'python3',
  '-c',
  pty,
];

export class Cast {
  readonly folder: string;
  readonly data: string;
  readonly #people: Person[] = [];
  #known: CloudReady['servers'] = [];
  #servers: Running[] = [];
  #storeWords: readonly string[] = [];
  cloud: Running | undefined;
  joinCode = '';

  constructor(folder: string) {
    this.folder = folder;
    this.data = cloudFolder(folder);
  }

  static async gather(): Promise<Cast> {
    const cast = new Cast(await mkdtemp(path.join(tmpdir(), 'glimpse-cast-')));
    await mkdir(path.join(cast.folder, 'logs'));
    return cast;
  }

  /** @param choice `words` say where its store is, if not in its folder */
  async openCloud(servers: number, choice: Pick<CloudChoice, 'words' | 'through'> = {}): Promise<void> {
    this.#storeWords = choice.words ?? [];
    this.cloud = runCloud({ folder: this.folder, servers, ...choice });
    const ready = (await this.cloud.ready()) as CloudReady;
    this.joinCode = ready.joinCode;
    this.#known = ready.servers;
  }

  /** host:port of every server's services. */
  get addresses(): string[] {
    return this.#known.map(({ address }) => address);
  }

  /** host:port of where every server enrols. */
  get enrolments(): string[] {
    return this.#known.map(({ enrolment }) => enrolment);
  }

  /** Of the servers that `openCloud` started. */
  get pids(): number[] {
    return this.#known.map(({ pid }) => pid);
  }

  /** Every server at once, as in a power failure. */
  async killCloud(): Promise<void> {
    // The servers that `cloud` runs would see it go, and stop in good order.
    if (this.cloud) for (const { pid } of this.#known) process.kill(pid, 'SIGKILL');
    const running = [...(this.cloud ? [this.cloud] : []), ...this.#servers];
    await Promise.all(running.map((each) => each.crash()));
    this.cloud = undefined;
    this.#servers = [];
  }

  /** Every server again, where it was. */
  async reviveCloud(): Promise<void> {
    this.#servers = this.#known.map(
      ({ id, address, enrolment }) =>
        new Running({
          name: id,
          words: [
            ...[serverProgram, 'run', '--json', '--id', id, '--data', this.data],
            ...['--listen', address, '--enrol', enrolment, ...this.#storeWords],
          ],
          environment: {},
          output: path.join(this.folder, 'logs', `${id}.out`),
        }),
    );
    await Promise.all(this.#servers.map((running) => running.ready()));
  }

  person(name: string, through: readonly string[] = []): Person {
    const person = new Person(name, this.folder, () => undefined, through);
    this.#people.push(person);
    return person;
  }

  /** Someone who has joined. */
  async member(name: string): Promise<Person> {
    const person = this.person(name);
    await person.join(this.joinCode);
    return person;
  }

  /** Ends everything, whatever state it is in. */
  async leave(): Promise<void> {
    for (const running of [this.cloud, ...this.#servers, ...this.#people.map(({ up }) => up)])
      running?.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
