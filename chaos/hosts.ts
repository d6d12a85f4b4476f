/**
 * Where the processes of a town are: on hosts of their own where there can be network namespaces; elsewhere on
 * addresses of the loopback network (Linux has 2^24 of them), which others reach through proxies.
 */
import { randomInt } from 'node:crypto';
import { Network } from '../demo/network.js';
import type { Host } from '../demo/network.js';
import { Proxy } from './proxy.js';
import type { CableState } from './proxy.js';

/** A host, and how others get to it. */
export interface Place extends Omit<Host, 'cable'> {
  /** What others are told. */
  readonly advertised: string;
  cable(state: CableState): void;
}

export interface Hosts {
  /** What can be done to its cables. */
  readonly cables: readonly ('cut' | 'slow')[];
  /** @param ports the ports at which others reach it */
  host(ports: readonly number[]): Promise<Place>;
  remove(): void;
}

export async function openHosts(): Promise<Hosts> {
  const network = await Network.lay();
  return network ? apart(network) : new Loopback();
}

function apart(network: Network): Hosts {
  return {
    cables: ['cut'],
    host: async () => {
      const host = await network.host();
      return {
        ...host,
        advertised: host.address,
        cable: (state) => host.cable(state === 'up' ? 'up' : 'down'),
      };
    },
    remove: () => network.remove(),
  };
}

/** A cable here is that of those who come: what its host asks others for gets through. */
export class Loopback implements Hosts {
  readonly cables = ['cut', 'slow'] as const;
  readonly #proxies: Proxy[] = [];
  /** So that two runs do not meet. */
  readonly #net = `127.${randomInt(1, 255)}.${randomInt(255)}`;
  #hosts = 0;

  async host(ports: readonly number[]): Promise<Place> {
    const number = (this.#hosts += 1);
    const [address, advertised] = [`${this.#net}.${number}`, `${this.#net}.${100 + number}`];
    const open = (port: number) => Proxy.listen({ host: advertised, port }, { host: address, port });
    const proxies = await Promise.all(ports.map(open));
    this.#proxies.push(...proxies);
    const cable = (state: CableState): void => proxies.forEach((proxy) => proxy.cable(state));
    return { address, advertised, through: [], cable };
  }

  remove(): void {
    for (const proxy of this.#proxies) proxy.close();
  }
}
