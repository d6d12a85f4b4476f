/**
 * Computers of their own on this one: network namespaces, each with a cable to one switch (ip-netns(8), veth(4)).
 * Each lives as long as a process that waits for the end of its input, so nothing is left of them.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface Host {
  readonly address: string;
  /** What a program is started through to run there. */
  readonly through: readonly string[];
  /** Pulls the cable out, or puts it back: the host is told no more than that. */
  cable(state: 'down' | 'up'): void;
}

export class Network {
  readonly #namespaces: ChildProcess[] = [];
  #hosts = 0;

  /** A switch without hosts; undefined where this user may make none. */
  static async lay(): Promise<Network | undefined> {
    const network = new Network();
    try {
      execFileSync('unshare', ['--net', 'true'], { stdio: 'pipe' });
      const middle = await network.#namespace();
      ip(middle, 'link add switch type bridge');
      ip(middle, 'link set switch up');
      return network;
    } catch {
      network.remove();
      return undefined;
    }
  }

  async host(): Promise<Host> {
    const number = (this.#hosts += 1);
    const [port, address] = [`port${number}`, `10.77.1.${number}`];
    const [middle] = this.#namespaces as [ChildProcess];
    const here = await this.#namespace();
    ip(middle, `link add ${port} type veth peer name eth0 netns ${here.pid ?? 0}`);
    ip(middle, `link set ${port} master switch up`);
    ip(here, `address add ${address}/24 dev eth0`);
    ip(here, 'link set eth0 up');
    ip(here, 'link set lo up');
    return { address, through: inside(here), cable: (state) => ip(middle, `link set ${port} ${state}`) };
  }

  remove(): void {
    for (const namespace of this.#namespaces) namespace.stdin?.end();
  }

  async #namespace(): Promise<ChildProcess> {
    const child = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // A Ctrl-C is for those who clean up.
      detached: true,
    });
    await once(child.stdout, 'data');
    this.#namespaces.push(child);
    return child;
  }
}

function inside({ pid }: ChildProcess): readonly string[] {
  return ['nsenter', '--target', String(pid), '--net', '--'];
}

function ip(where: ChildProcess, words: string): void {
  const [program, ...rest] = [...inside(where), 'ip', ...words.split(' ')] as [string, ...string[]];
  execFileSync(program, rest, { stdio: 'pipe' });
}
