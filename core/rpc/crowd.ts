/** Connections of which there may be so many, of one origin and in all. */
import type { Socket } from 'node:net';

export interface CrowdLimits {
  readonly perOriginMax: number;
  readonly max: number;
}

/**
 * The oldest makes room for the newest: closed are those of the same origin first. Refusing the newest instead would
 * let whoever came first keep everybody else out.
 */
export class Crowd {
  readonly #limits: CrowdLimits;
  readonly #all = new Map<Socket, string>();
  readonly #byOrigin = new Map<string, Set<Socket>>();

  constructor(limits: CrowdLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Until it closes or leaves. */
  enter(socket: Socket, origin: string): void {
    const same = this.#byOrigin.get(origin) ?? new Set();
    this.#byOrigin.set(origin, same.add(socket));
    this.#all.set(socket, origin);
    socket.once('close', () => this.leave(socket));
    if (same.size > this.#limits.perOriginMax) this.#close(same.values());
    if (this.#all.size > this.#limits.max) this.#close(this.#all.keys());
  }

  leave(socket: Socket): void {
    const origin = this.#all.get(socket);
    if (origin === undefined) return;
    this.#all.delete(socket);
    const same = this.#byOrigin.get(origin);
    same?.delete(socket);
    if (same?.size === 0) this.#byOrigin.delete(origin);
  }

  closeAll(): void {
    for (const socket of [...this.#all.keys()]) socket.destroy();
  }

  #close(sockets: Iterator<Socket>): void {
    const { value: oldest } = sockets.next() as IteratorResult<Socket, undefined>;
    if (!oldest) return;
    this.leave(oldest);
    oldest.destroy();
  }
}
