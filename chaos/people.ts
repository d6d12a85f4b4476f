/**
 * What people do all the time: an owner shares, raises, lowers and revokes, a viewer asks, views and looks. Every
 * client has one of each, and they go on whatever happens around them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../server/election/simulator/random.js';
import type { Asking } from './asking.js';
import type { Begun, Change, Outcome } from './rules/history.js';
import type { Client } from './town.js';

/** Between two things that one person does, ms: enough for two cores to carry it all. */
const pauseMs = [50, 450] as const;
/** Of their grants people mostly use the latest: some are used often, by both at once, and none for ever. */
const latest = 6;

export class People {
  readonly #asking: Asking;
  readonly #clients: readonly Client[];
  readonly #random: Random;
  readonly #grants = new Map<string, Begun>();
  readonly #opened = new Set<string>();
  /** By owner and viewer: photos that were not shared yet. */
  readonly #unshared = new Map<string, string[]>();

  /** @param photos by owner */
  constructor(
    asking: Asking,
    clients: readonly Client[],
    photos: (owner: string) => readonly string[],
    seed: number,
  ) {
    this.#asking = asking;
    this.#clients = clients;
    this.#random = new Random(seed);
    for (const owner of clients) {
      for (const viewer of clients)
        if (owner !== viewer) this.#unshared.set(`${owner.name} ${viewer.name}`, [...photos(owner.name)]);
    }
  }

  /** Until the signal aborts, and what was begun has come to an end. */
  async live(signal: AbortSignal): Promise<void> {
    const living = this.#clients.flatMap((client) => [
      this.#repeat(signal, () => this.#own(client)),
      this.#repeat(signal, () => this.#view(client)),
    ]);
    await Promise.all(living);
  }

  get grants(): readonly Begun[] {
    return [...this.#grants.values()];
  }

  /** Grants whose picture has not shown anything yet, neither photo nor cover. */
  get unopened(): readonly Begun[] {
    return this.grants.filter(({ grant }) => !this.#opened.has(grant));
  }

  async #repeat(signal: AbortSignal, act: () => Promise<Outcome | undefined>): Promise<void> {
    while (!signal.aborted) {
      await act();
      await sleep(this.#random.between(...pauseMs), undefined, { signal }).catch(() => undefined);
    }
  }

  async #own(client: Client): Promise<Outcome | undefined> {
    const mine = this.#pick(({ owner }) => owner === client.name);
    const chance = this.#random.next();
    if (chance < 0.1) return this.#asking.ask(client, { type: 'shared' });
    if (mine === undefined || chance < 0.3) return this.#share(client);
    const { viewer, grant } = mine;
    return this.#asking.ask(client, { type: 'change', viewer, grant, change: this.#change(mine) });
  }

  #change({ quota }: Begun): Change {
    const chance = this.#random.next();
    if (chance < 0.5) return { add: this.#random.integer(1, 3) };
    if (chance < 0.85) return { views: this.#random.integer(0, quota + 6) };
    return { revoke: true };
  }

  async #share(client: Client): Promise<Outcome | undefined> {
    const viewer = this.#other(client);
    const photo = this.#unshared.get(`${client.name} ${viewer}`)!.pop();
    if (photo === undefined) return this.#asking.ask(client, { type: 'shared' });
    const views = this.#random.integer(1, 5);
    return this.#begin(() => this.#asking.ask(client, { type: 'share', viewer, photo, views }));
  }

  async #view(client: Client): Promise<Outcome | undefined> {
    const held = this.#unopened(client) ?? this.#pick(({ viewer }) => viewer === client.name);
    const chance = this.#random.next();
    if (chance < 0.1) return this.#asking.ask(client, { type: 'inbox' });
    if (held === undefined || chance < 0.25) return this.#request(client);
    return this.open(client, held.grant);
  }

  /** What could not be opened, or not now, is tried again. */
  async open(client: Client, grant: string): Promise<Outcome | undefined> {
    const outcome = await this.#asking.ask(client, { type: 'view', grant });
    if (outcome && isOpened(outcome)) this.#opened.add(grant);
    return outcome;
  }

  /** A client takes only so much of one sender that is never opened: half of the time people look at what is new. */
  #unopened({ name }: Client): Begun | undefined {
    const unopened = this.unopened.filter(({ viewer }) => viewer === name);
    return unopened.length === 0 || this.#random.chance(0.5) ? undefined : this.#random.pick(unopened);
  }

  async #request(client: Client): Promise<Outcome | undefined> {
    const owner = this.#other(client);
    const photo = this.#unshared.get(`${owner} ${client.name}`)!.shift();
    if (photo === undefined) return this.#asking.ask(client, { type: 'inbox' });
    return this.#begin(() => this.#asking.ask(client, { type: 'request', owner, photo }));
  }

  /** A photo that may have been shared is asked for until it is known what became of it. */
  async #begin(ask: () => Promise<Outcome | undefined>): Promise<Outcome | undefined> {
    for (let tried = 0; tried < 3; tried += 1) {
      const outcome = await ask();
      if (outcome?.type === 'ok' && outcome.answer.type === 'granted') {
        const { begun } = outcome.answer;
        if (!this.#grants.has(begun.grant)) this.#grants.set(begun.grant, begun);
        return outcome;
      }
      await sleep(this.#random.between(...pauseMs));
    }
    return undefined;
  }

  #pick(isMeant: (begun: Begun) => boolean): Begun | undefined {
    const meant = this.grants.filter(isMeant);
    const some = this.#random.chance(0.85) ? meant.slice(-latest) : meant;
    return some.length === 0 ? undefined : this.#random.pick(some);
  }

  #other(client: Client): string {
    return this.#random.pick(this.#clients.filter((each) => each !== client)).name;
  }
}

/** It showed the photo, or its cover because the ledger refused. */
function isOpened(outcome: Outcome): boolean {
  return outcome.type === 'ok' || (outcome.type === 'refused' && outcome.reason !== 'UNKNOWN_GRANT');
}
