/** A cloud and people on loopback: each a process of its own, but those whom a case plays itself. */
import { readFile, writeFile } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createEngine } from '../../client/create-engine.js';
import type { Engine } from '../../client/engine.js';
import { PEER_LIMITS } from '../../client/peer/limits.js';
import { assemble } from '../../client/peer/member.js';
import { worldEdge } from '../../client/peer/workings.js';
import type { Workings } from '../../client/peer/workings.js';
import { openVault } from '../../client/vault/vault.js';
import { Person } from '../../demo/person.js';
import { Running } from '../../demo/processes.js';
import type { Run } from './case.js';

const server = fileURLToPath(new URL('../../server/main.js', import.meta.url));

export interface Cloud {
  readonly joinCode: string;
  readonly servers: readonly { readonly id: string; readonly pid: number }[];
}

export class Household {
  readonly #run: Run;
  readonly cloud: Cloud;

  /** Use `open`. */
  constructor(run: Run, cloud: Cloud) {
    this.#run = run;
    this.cloud = cloud;
  }

  /** Ended with the case. */
  static async open(run: Run, servers = 1): Promise<Household> {
    const logs = path.join(run.folder, 'logs');
    mkdirSync(logs);
    const words = ['cloud', '--servers', String(servers), '--port', '0', '--json'];
    const cloud = new Running({
      name: 'the cloud',
      words: [server, ...words, '--data', path.join(run.folder, 'cloud')],
      environment: {},
      output: path.join(logs, 'cloud.out'),
    });
    endWith(run, cloud);
    return new Household(run, (await cloud.ready()) as Cloud);
  }

  /** Someone who has joined and is up, as a process. */
  async person(name: string, words: readonly string[]): Promise<Person> {
    const person = new Person(name, this.#run.folder, () => undefined);
    const joined = await person.glimpse(['join', '-', '--name', name], this.cloud.joinCode);
    if (joined.exit !== 0) throw new Error(joined.error?.message);
    await this.start(person, words);
    return person;
  }

  async start(person: Person, words: readonly string[]): Promise<void> {
    const starting = person.start(words);
    endWith(this.#run, person.up!);
    await starting;
  }

  /** Someone who has joined, played by this process. */
  async player(name: string): Promise<{ readonly engine: Engine; readonly workings: Workings }> {
    const vault = openVault(path.join(this.#run.folder, name));
    this.#run.atEnd(() => vault.close());
    const engine = createEngine({ vault });
    this.#run.atEnd(() => engine.close());
    await engine.join(this.cloud.joinCode, name);
    const identity = vault.identity.get()!;
    const options = { vault, edge: worldEdge, tell: () => undefined, periods: PEER_LIMITS };
    const member = assemble(identity, identity.membership!, options);
    this.#run.atEnd(() => member.close());
    return { engine, workings: member.workings };
  }
}

/** With the case, or with this process if that ends first. */
export function endWith(run: Run, running: Running): void {
  const kill = (): void => running.kill();
  process.once('exit', kill);
  run.atEnd(async () => {
    process.off('exit', kill);
    await running.stop();
  });
}

/** What a process had at once until now no longer counts: proc(5), clear_refs. Nothing where Linux's /proc is not. */
export async function forgetPeakMemory(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => undefined);
}

/** The most memory that a process has had at once, since it started or that was forgotten, in MB; undefined where Linux's /proc is not. */
export async function peakMemory(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? undefined : (Number(kibibytes) * 1_024) / 1e6;
}
