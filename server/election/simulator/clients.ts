/**
 * Simulated clients: each asks a server to elect, goes to another when it is refused, cut off or left waiting, takes
 * its ticket to the leader, and begins anew when the leader is gone or does not admit it.
 */
import type { Ticket } from '../../../gen/glimpse/v1/election_pb.js';
import { admits } from '../ring/requests.js';
import { requestKey } from '../ring/state.js';
import type { Random } from './random.js';
import type { Watcher, World } from './world.js';

interface Request {
  readonly key: string;
  readonly requestId: Uint8Array;
  readonly askedMs: number;
  entry: string;
  attempt: number;
  grantedMs: number | undefined;
  begunMs: number | undefined;
}

/** A client that hears nothing for so long asks another server. */
const patienceMs = 1500;
const retryMs = 20;
const owner = new Uint8Array(32);

/** Bytes of a request's number: the id, readable in traces. */
export function requestIdOf(number: number): Uint8Array {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(12, number);
  return id;
}

export class Clients implements Watcher {
  readonly #world: () => World;
  readonly #random: Random;
  readonly #workMsMax: number;
  readonly #requests = new Map<string, Request>();
  /** From the question to the first grant of each request, by its key. */
  readonly #waitMs = new Map<string, number>();

  constructor(world: () => World, random: Random, workMsMax: number) {
    this.#world = world;
    this.#random = random;
    this.#workMsMax = workMsMax;
  }

  get waits(): readonly number[] {
    return [...this.#waitMs.values()];
  }

  /** How long this request waited; undefined: it still does. */
  waitMs(key: string): number | undefined {
    return this.#waitMs.get(key);
  }

  /** Requests whose hiding never began, for a message. */
  unserved(): readonly string[] {
    return [...this.#requests.values()]
      .filter(({ begunMs }) => begunMs === undefined)
      .map(
        ({ key, entry, attempt, grantedMs }) =>
          `${key.slice(24, 32)} at ${entry}, attempt ${attempt}, ${grantedMs === undefined ? 'not granted' : 'granted'}`,
      );
  }

  /** Asks, and returns the request's key. */
  ask(entry: string): string {
    const world = this.#world();
    const requestId = requestIdOf(this.#requests.size + 1);
    const key = requestKey(requestId, owner);
    const request: Request = {
      key,
      requestId,
      askedMs: world.agenda.nowMs,
      entry,
      attempt: 0,
      grantedMs: undefined,
      begunMs: undefined,
    };
    this.#requests.set(key, request);
    this.#try(request, entry);
    return key;
  }

  granted(id: string, key: string, ticket: Ticket): void {
    const request = this.#requests.get(key);
    if (request?.entry !== id || request.begunMs !== undefined) return;
    const { agenda } = this.#world();
    if (request.grantedMs === undefined) this.#waitMs.set(key, agenda.nowMs - request.askedMs);
    request.grantedMs = agenda.nowMs;
    const { attempt } = request;
    agenda.after(this.#random.between(0.2, 5), () => {
      if (request.attempt === attempt) this.#hide(request, ticket);
    });
  }

  refused(id: string, key: string): void {
    const request = this.#requests.get(key);
    if (request?.entry === id && request.begunMs === undefined) this.#tryElsewhere(request);
  }

  #hide(request: Request, ticket: Ticket): void {
    const world = this.#world();
    const { leader } = ticket;
    if (!world.runs(leader) || !admits(world.state(leader), ticket, world.clockMs(leader))) {
      this.#tryElsewhere(request);
      return;
    }
    request.begunMs = world.agenda.nowMs;
    world.happen(leader, { type: 'began', ticket });
    world.agenda.after(this.#random.between(0, this.#workMsMax), () =>
      world.happen(leader, { type: 'ended' }),
    );
  }

  #tryElsewhere(request: Request): void {
    const world = this.#world();
    request.attempt += 1;
    const { attempt } = request;
    world.agenda.after(retryMs, () => {
      const servers = world.ids.filter((id) => world.runs(id));
      if (request.attempt !== attempt) return;
      if (servers.length === 0) this.#tryElsewhere(request);
      else this.#try(request, this.#random.pick(servers));
    });
  }

  #try(request: Request, entry: string): void {
    const world = this.#world();
    request.entry = entry;
    const { attempt } = request;
    world.trace(`client asks ${entry} for ${request.key.slice(24, 32)}`);
    if (!world.lives(entry)) {
      this.#tryElsewhere(request);
      return;
    }
    world.happen(entry, {
      type: 'elect',
      requestId: request.requestId,
      ownerFingerprint: owner,
      sealedBytes: 1,
    });
    world.agenda.after(patienceMs, () => {
      if (request.attempt !== attempt || request.begunMs !== undefined) return;
      world.happen(request.entry, { type: 'cancel', key: request.key });
      this.#tryElsewhere(request);
    });
  }
}
