/** All of a ring of members, links and messages under way at one moment, and what becomes of it: for model.ts. */
import type { Effect, Happening, Message, State } from '../ring/state.js';
import type { Checker } from './checker.js';
import { isAnswer } from './network.js';
import type { Step } from './world.js';

export interface Moment {
  /** Undefined while it is dead. */
  readonly members: ReadonlyMap<string, State | undefined>;
  readonly incarnations: ReadonlyMap<string, number>;
  /** `a>b` on the connection that a opened, `a<b` for the answers on it. */
  readonly under: ReadonlyMap<string, readonly Message[]>;
  /** Connections, by who opened them; each with the incarnation that answered. */
  readonly open: ReadonlyMap<string, number>;
  readonly dialled: ReadonlySet<string>;
  readonly requests: number;
  readonly faults: number;
  readonly timers: number;
  readonly checker: Checker;
}

/** A moment while a move is made. */
export class Draft {
  members: Map<string, State | undefined>;
  incarnations: Map<string, number>;
  under: Map<string, readonly Message[]>;
  open: Map<string, number>;
  dialled: Set<string>;
  requests: number;
  faults: number;
  timers: number;
  readonly checker: Checker;
  readonly #step: Step;

  constructor(moment: Moment, step: Step) {
    this.members = new Map(moment.members);
    this.incarnations = new Map(moment.incarnations);
    this.under = new Map(moment.under);
    this.open = new Map(moment.open);
    this.dialled = new Set(moment.dialled);
    this.requests = moment.requests;
    this.faults = moment.faults;
    this.timers = moment.timers;
    this.checker = moment.checker.copy();
    this.#step = step;
  }

  happen(id: string, happening: Happening, atMs?: number): void {
    const before = this.members.get(id);
    if (!before) return;
    const event = { ...happening, atMs: atMs ?? before.nowMs };
    const [after, effects] = this.#step(before, event);
    this.members.set(id, after);
    this.checker.stepped(id, before, event, after, effects);
    for (const effect of effects) this.#perform(id, effect);
  }

  /** The connection is gone; what its answers were to be is lost with it. */
  close(from: string, to: string): void {
    this.open.delete(`${from}>${to}`);
    this.under.delete(`${from}<${to}`);
  }

  #perform(id: string, effect: Effect): void {
    if (effect.type === 'dial') this.dialled.add(`${id}>${effect.to}`);
    if (effect.type === 'hangUp') this.close(id, effect.to);
    if (effect.type !== 'send') return;
    const { to, message } = effect;
    if (message.case === 'ping' || message.case === 'pong') return;
    const answer = isAnswer(message);
    const life = this.open.get(answer ? `${to}>${id}` : `${id}>${to}`);
    const accepter = answer ? id : to;
    if (life !== this.incarnations.get(accepter) || !this.members.get(accepter)) return;
    const way = answer ? `${to}<${id}` : `${id}>${to}`;
    this.under.set(way, [...(this.under.get(way) ?? []), message]);
  }
}
