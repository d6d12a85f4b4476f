/**
 * Computers of their own on this one: network namespaces, each with a cable to one switch. Each lives as long as a
 * process that waits for the end of its input, so that nothing is left of them however the test ends.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { program, skip } from './prerequisites.js';

export interface Host {
  readonly address: string;
  /** What a program is started through to run there. */
  readonly through: readonly string[];
  /** Pulls the cable out, or puts it back: the host itself is told no more than that. */
  cable(state: 'down' | 'up'): void;
}

export class Network {
  readonly #t: ExecutionContext;
  readonly #switch: ChildProcess;
  #hosts = 0;

  private constructor(t: ExecutionContext, middle: ChildProcess) {
    this.#t = t;
    this.#switch = middle;
    ip(middle, 'link add switch type bridge');
    ip(middle, 'link set switch up');
  }

  /** A switch without hosts, or undefined, after a word, where there can be none. */
  static async lay(t: ExecutionContext): Promise<Network | undefined> {
    if (program(t, 'ip', 'iproute2') === undefined) return undefined;
    try {
      execFileSync('unshare', ['--net', 'true'], { stdio: 'pipe', timeout: 10_000 });
    } catch {
      skip(t, 'there can be no network namespaces here', 'be root, on Linux');
      return undefined;
    }
    return new Network(t, await namespace(t));
  }

  /** One more computer, plugged in. */
  async host(): Promise<Host> {
    const number = (this.#hosts += 1);
    const [port, address] = [`port${number}`, `10.77.0.${number}`];
    const here = await namespace(this.#t);
    ip(this.#switch, `link add ${port} type veth peer name eth0 netns ${here.pid ?? 0}`);
    ip(this.#switch, `link set ${port} master switch up`);
    ip(here, `address add ${address}/24 dev eth0`);
    ip(here, 'link set eth0 up');
    ip(here, 'link set lo up');
    return {
      address,
      through: inside(here),
      cable: (state) => ip(this.#switch, `link set ${port} ${state}`),
    };
  }
}

async function namespace(t: ExecutionContext): Promise<ChildProcess> {
  const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => holder.stdin.end());
  holder.stdin.write('there\n');
  await once(holder.stdout, 'data');
  return holder;
}

function inside({ pid }: ChildProcess): string[] {
  return ['nsenter', `--net=/proc/${pid ?? 0}/ns/net`];
}

function ip(where: ChildProcess, words: string): void {
  const [first, ...rest] = [...inside(where), 'ip', ...words.split(' ')] as const;
  execFileSync(first!, rest, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 10_000 });
}
