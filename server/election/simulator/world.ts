/**
 * Members, a network and a clock, all of them simulated, around the very `step` that runs in production.
 * It performs effects as the driver does. Processes are killed, stopped, resumed and restarted; each has a clock
 * of its own.
 */
import type { Ticket } from '../../../gen/glimpse/v1/election_pb.js';
import { describeEffect } from '../ring/describe.js';
import { memberOf } from '../ring/members.js';
import type { Effect, Event, Happening, Outcome, State } from '../ring/state.js';
import { begin, viewOf, wakesAtMs } from '../ring/step.js';
import { Agenda } from './agenda.js';
import { isAnswer } from './network.js';
import type { Network } from './network.js';

export type Step = (state: State, event: Event) => Outcome;

interface Node {
  readonly id: string;
  state: State;
  incarnation: number;
  /** Which life of the process this is: what was meant for a former one is dropped. */
  life: number;
  lives: boolean;
  stopped: boolean;
  /** What arrived while stopped. */
  inbox: Happening[];
  clockOffsetMs: number;
  tickAtMs: number;
  /** How late the store tells this member what it tells. */
  storeLateMs: number;
}

/** What the world tells of: for the checker, the simulated clients and the trace. */
export interface Watcher {
  started?(id: string): void;
  stepped?(id: string, before: State, event: Event, after: State, effects: readonly Effect[]): void;
  granted?(id: string, key: string, ticket: Ticket): void;
  refused?(id: string, key: string, why: string): void;
  traced?(atMs: number, line: string): void;
}

export interface Setup {
  readonly ids: readonly string[];
  readonly network: Network;
  readonly step: Step;
  readonly watchers: readonly Watcher[];
  readonly reading: (id: string) => State['reading'];
  readonly clockOffsetMs: (id: string) => number;
  /** How long the address book takes to tell the others of a member that starts; absent: it does not tell them. */
  readonly bookMs?: () => number;
  /** Shared by several rings that live in one time; one of its own if absent. */
  readonly agenda?: Agenda;
}

/** The driver gives up a dial after this. */
const dialMs = 1000;
/** The simulated clocks begin here, so that no time is zero. */
const epochMs = 1_000_000;

/** Messages and ticks, which are most of what happens, are written out: spreading takes several times as long. */
function dated(happening: Happening, atMs: number): Event {
  if (happening.type === 'tick') return { type: 'tick', atMs };
  if (happening.type !== 'message') return { ...happening, atMs };
  return { type: 'message', from: happening.from, message: happening.message, atMs };
}

export class World {
  readonly agenda: Agenda;
  readonly network: Network;
  readonly #nodes = new Map<string, Node>();
  /** The dials that were not given up since, by the way they go. */
  readonly #dials = new Map<string, symbol>();
  readonly #setup: Setup;
  readonly #traced: boolean;

  constructor(setup: Setup) {
    this.#setup = setup;
    this.agenda = setup.agenda ?? new Agenda();
    this.network = setup.network;
    this.#traced = setup.watchers.some((watcher) => watcher.traced !== undefined);
    for (const id of setup.ids) {
      const clockOffsetMs = setup.clockOffsetMs(id);
      this.#nodes.set(id, {
        id,
        state: this.#newborn(id, 1, clockOffsetMs),
        incarnation: 1,
        life: 0,
        lives: false,
        stopped: false,
        inbox: [],
        clockOffsetMs,
        tickAtMs: Infinity,
        storeLateMs: 0,
      });
    }
  }

  get ids(): readonly string[] {
    return this.#setup.ids;
  }

  state(id: string): State {
    return this.#nodes.get(id)!.state;
  }

  /** Lives and is not stopped. */
  runs(id: string): boolean {
    const { lives, stopped } = this.#nodes.get(id)!;
    return lives && !stopped;
  }

  lives(id: string): boolean {
    return this.#nodes.get(id)!.lives;
  }

  stopped(id: string): boolean {
    return this.#nodes.get(id)!.stopped;
  }

  /** The member's own clock. */
  clockMs(id: string): number {
    return Math.floor(epochMs + this.agenda.nowMs + this.#nodes.get(id)!.clockOffsetMs);
  }

  /** Starts a process, again if it was killed, and tells it the address book. */
  start(id: string): void {
    const node = this.#nodes.get(id)!;
    if (node.lives) return;
    node.life += 1;
    node.incarnation += node.life > 1 ? 1 : 0;
    Object.assign(node, { lives: true, stopped: false, inbox: [], tickAtMs: Infinity });
    node.state = this.#newborn(id, node.incarnation, node.clockOffsetMs);
    this.trace(`${id} starts`);
    for (const watcher of this.#setup.watchers) watcher.started?.(id);
    const rows = [...this.#nodes.values()]
      .filter((other) => other.id !== id && other.life > 0)
      .map((other) => memberOf(this.#newborn(other.id, other.incarnation, 0), other.id)!);
    this.#fromStore(node, 0, { type: 'learned', members: rows });
    const { bookMs } = this.#setup;
    if (!bookMs) return;
    const row = [memberOf(node.state, id)!];
    for (const other of this.#nodes.values()) {
      if (other !== node && other.lives) this.#fromStore(other, bookMs(), { type: 'learned', members: row });
    }
  }

  /** The store is reachable from this member, or no longer: it hears of it when the store's word arrives. */
  store(id: string, reachable: boolean): void {
    this.#fromStore(this.#nodes.get(id)!, 0, { type: 'store', reachable });
  }

  /** From now on the store is so late for this member. */
  slowStore(id: string, lateMs: number): void {
    this.trace(`${id} hears of the store ${Math.round(lateMs)} ms late`);
    this.#nodes.get(id)!.storeLateMs = lateMs;
  }

  storeLateMs(id: string): number {
    return this.#nodes.get(id)!.storeLateMs;
  }

  /** The member's clock jumps; its own sense of time never goes back. */
  shiftClock(id: string, byMs: number): void {
    this.trace(`the clock of ${id} jumps by ${Math.round(byMs)} ms`);
    this.#nodes.get(id)!.clockOffsetMs += Math.round(byMs);
    this.happen(id, { type: 'tick' });
  }

  /** As kill -9: connections break at once, what the process knew is gone. */
  kill(id: string): void {
    const node = this.#nodes.get(id)!;
    if (!node.lives) return;
    this.trace(`${id} is killed`);
    this.#end(node);
  }

  /** As SIGSTOP: what arrives waits, nothing is answered. */
  stop(id: string): void {
    const node = this.#nodes.get(id)!;
    if (node.lives && !node.stopped) this.trace(`${id} is stopped`);
    node.stopped = node.lives;
  }

  resume(id: string): void {
    const node = this.#nodes.get(id)!;
    if (!node.lives || !node.stopped) return;
    this.trace(`${id} resumes`);
    node.stopped = false;
    const inbox = node.inbox;
    node.inbox = [];
    for (const happening of inbox) this.happen(id, happening);
    this.happen(id, { type: 'tick' });
  }

  /** The connection breaks, and the one who opened it sees it. */
  disconnect(from: string, to: string): void {
    if (this.network.serial(from, to) === undefined) return;
    this.trace(`${from}->${to} breaks`);
    this.network.close(from, to);
    this.happen(from, { type: 'down', id: to });
  }

  /** Lets something happen to a member now, or when it resumes. */
  happen(id: string, happening: Happening): void {
    const node = this.#nodes.get(id)!;
    if (!node.lives) return;
    if (node.stopped) {
      if (happening.type !== 'tick') node.inbox.push(happening);
      return;
    }
    const event = dated(happening, this.clockMs(id));
    const before = node.state;
    const [after, effects] = this.#setup.step(before, event);
    node.state = after;
    for (const watcher of this.#setup.watchers) watcher.stepped?.(id, before, event, after, effects);
    for (const effect of effects) this.#perform(node, effect);
    if (this.lives(id)) this.#wake(node);
  }

  trace(line: string): void {
    for (const watcher of this.#setup.watchers) watcher.traced?.(this.agenda.nowMs, line);
  }

  #fromStore(node: Node, afterMs: number, happening: Happening): void {
    const delayMs = afterMs + node.storeLateMs;
    if (delayMs === 0) this.happen(node.id, happening);
    else this.#later(node.id, delayMs, () => happening);
  }

  #newborn(id: string, incarnation: number, clockOffsetMs: number): State {
    const reading = this.#setup.reading(id);
    return begin({
      id,
      address: `${id}:1`,
      incarnation,
      atMs: Math.floor(epochMs + this.agenda.nowMs) + clockOffsetMs,
      reading,
      seed: incarnation * 7919 + Buffer.from(id).reduce((sum, byte) => 31 * sum + byte, 0),
    });
  }

  #end(node: Node): void {
    const dialers = this.network.dialersOf(node.id);
    node.lives = false;
    node.stopped = false;
    this.network.closeAllOf(node.id);
    for (const from of dialers) {
      if (!this.network.passes(node.id, from)) continue;
      const way = `${from}>${node.id}`;
      const dial = this.#dials.get(way);
      this.#later(from, this.network.delayMs(), () =>
        this.#dials.get(way) === dial ? { type: 'down', id: node.id } : undefined,
      );
    }
  }

  /** Something happens to this life of a member after a while, if it is still to happen then. */
  #later(id: string, delayMs: number, what: () => Happening | undefined): void {
    const { life } = this.#nodes.get(id)!;
    this.agenda.after(delayMs, () => {
      if (this.#nodes.get(id)!.life !== life) return;
      const happening = what();
      if (happening) this.happen(id, happening);
    });
  }

  #wake(node: Node): void {
    const atMs = wakesAtMs(node.state) - epochMs - node.clockOffsetMs;
    if (atMs === node.tickAtMs && atMs > this.agenda.nowMs) return;
    node.tickAtMs = atMs;
    if (atMs === Infinity) return;
    const { life } = node;
    this.agenda.at(atMs, () => {
      if (node.life === life && node.tickAtMs === atMs) this.happen(node.id, { type: 'tick' });
    });
  }

  #perform(node: Node, effect: Effect): void {
    if (this.#traced) this.trace(describeEffect(node.id, effect));
    switch (effect.type) {
      case 'send':
        this.#send(node, effect);
        break;
      case 'dial':
        this.#dial(node.id, effect.to);
        break;
      case 'hangUp':
        this.#dials.delete(`${node.id}>${effect.to}`);
        this.network.close(node.id, effect.to);
        break;
      case 'grant':
        for (const watcher of this.#setup.watchers) watcher.granted?.(node.id, effect.key, effect.ticket);
        break;
      case 'refuse':
        for (const watcher of this.#setup.watchers) watcher.refused?.(node.id, effect.key, effect.why);
        break;
      case 'mint':
        break;
      case 'left':
        this.#end(node);
    }
  }

  #send(node: Node, { to, message }: Extract<Effect, { type: 'send' }>): void {
    const answer = isAnswer(message);
    const way: [string, string] = answer ? [to, node.id] : [node.id, to];
    for (const { atMs, serial } of this.network.carry(node.id, to, answer, this.agenda.nowMs)) {
      this.#later(to, atMs - this.agenda.nowMs, () =>
        this.network.serial(...way) === serial ? { type: 'message', from: node.id, message } : undefined,
      );
    }
  }

  /** Announces and opens the stream: a round trip. As from the driver, nothing is heard of a dial that was given up. */
  #dial(from: string, to: string): void {
    const { life } = this.#nodes.get(from)!;
    const way = `${from}>${to}`;
    const dial = Symbol(way);
    this.#dials.set(way, dial);
    const outMs = this.network.delayMs();
    this.agenda.after(outMs, () => {
      const dialler = this.#nodes.get(from)!;
      if (dialler.life !== life || !dialler.lives || this.#dials.get(way) !== dial) return;
      const backMs = this.network.delayMs();
      const answer = this.#announce(dialler, to);
      const delayMs = answer === 'silence' ? dialMs - outMs : backMs;
      this.#later(from, delayMs, () => {
        if (this.#dials.get(way) !== dial) return undefined;
        return typeof answer === 'string' ? { type: 'down', id: to } : { type: 'up', id: to, ...answer };
      });
    });
  }

  /** What comes of announcing: the answer, a refused connection, or nothing. */
  #announce(dialler: Node, to: string): ReturnType<typeof viewOf> | 'refusal' | 'silence' {
    const { id: from, state } = dialler;
    if (!this.network.passes(from, to) || this.stopped(to)) return 'silence';
    if (this.lives(to)) {
      this.happen(to, { type: 'announced', member: memberOf(state, from)!, epoch: state.promised });
    }
    if (!this.network.passes(to, from)) return 'silence';
    if (!this.lives(to)) return 'refusal';
    this.network.open(from, to);
    return viewOf(this.state(to));
  }
}
