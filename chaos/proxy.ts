/**
 * A cable for those who may pull none: whoever wants to get to a host connects to this, which carries bytes there and
 * back, late or not at all, and tells nobody. What was on its way when it stopped arrives when it goes on.
 */
import { EventEmitter, once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress } from '../core/address.js';
import type { Address } from '../core/address.js';

/** `down`: connections stay open, and new ones are accepted, but nothing passes. `slow`: each piece comes late. */
export type CableState = 'up' | 'down' | 'slow';

/** More than a link between servers waits for an answer, there and back, and less than a client waits. */
const lateMs = 250;

export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #state: CableState = 'up';

  private constructor(to: Address) {
    this.#server = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ ...to, allowHalfOpen: true });
      this.#hold(near, far);
      this.#hold(far, near);
    });
  }

  /** Port 0 stands for any. */
  static async listen(at: Address, to: Address): Promise<Proxy> {
    const proxy = new Proxy(to);
    proxy.#server.listen(at);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get address(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return formatAddress({ host: address, port });
  }

  cable(state: CableState): void {
    this.#state = state;
    this.#changes.emit('change');
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #hold(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.once('close', () => {
      this.#sockets.delete(from);
      // Where nothing passes, nobody hears of the end of a connection either.
      void this.#passable().then(() => to.destroy());
    });
    this.#carry(from, to).catch(() => from.destroy());
  }

  async #carry(from: Socket, to: Socket): Promise<void> {
    for await (const piece of from as AsyncIterable<Buffer>) {
      await this.#passable();
      if (!to.write(piece)) await Promise.race([once(to, 'drain'), once(to, 'close')]);
    }
    await this.#passable();
    to.end();
  }

  async #passable(): Promise<void> {
    if (this.#state === 'slow') await sleep(lateMs);
    while (this.#state === 'down' && this.#server.listening) await once(this.#changes, 'change');
  }
}
