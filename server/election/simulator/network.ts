/**
 * The simulated network. A link is a connection opened by one member to another: its requests go one way and their
 * answers the other, each in order. Connections break, single messages are lost (as the last of a dying stream are),
 * and a cut drops what crosses it without a word. On request messages arrive twice or out of order, which no stream
 * does: the ring is to bear more than its links will ask of it.
 */
import type { Message } from '../ring/state.js';
import type { Random } from './random.js';

export interface NetworkKnobs {
  /** One way, at least and at most. */
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Probabilities that a message is lost, arrives twice, or is overtaken, while that is on. */
  readonly loss: number;
  readonly doubling?: number;
  readonly shuffling?: number;
}

/** What may happen to messages beside being late. */
export type Trouble = 'loss' | 'doubling' | 'shuffling';

/** A message that is overtaken is late by so many times the longest delay. */
const overtakenBy = 8;

interface Connection {
  readonly serial: number;
  /** When the last message arrives, in each direction: none overtakes another. */
  forthMs: number;
  backMs: number;
}

/** Where and when a message arrives. */
interface Passage {
  readonly atMs: number;
  readonly serial: number;
}

/** Whether a message answers another, on the stream that the other side opened. */
export function isAnswer(message: Message): boolean {
  return message.case === 'taken' || message.case === 'entrusted' || message.case === 'pong';
}

export class Network {
  readonly #random: Random;
  readonly #knobs: NetworkKnobs;
  readonly #connections = new Map<string, Connection>();
  readonly #cuts = new Map<string, number>();
  #serial = 0;
  readonly #troubles = new Set<Trouble>();

  constructor(random: Random, knobs: NetworkKnobs) {
    this.#random = random;
    this.#knobs = knobs;
  }

  trouble(trouble: Trouble, on: boolean): void {
    if (on) this.#troubles.add(trouble);
    else this.#troubles.delete(trouble);
  }

  delayMs(): number {
    return this.#random.between(this.#knobs.delayMsMin, this.#knobs.delayMsMax);
  }

  /** Nothing gets from `from` to `to` until it is mended as often as it was cut. */
  cut(from: string, to: string): void {
    const way = `${from}>${to}`;
    this.#cuts.set(way, (this.#cuts.get(way) ?? 0) + 1);
  }

  mend(from: string, to: string): void {
    const way = `${from}>${to}`;
    this.#cuts.set(way, Math.max(0, (this.#cuts.get(way) ?? 0) - 1));
  }

  mendAll(): void {
    this.#troubles.clear();
    this.#cuts.clear();
  }

  passes(from: string, to: string): boolean {
    return this.#cuts.size === 0 || (this.#cuts.get(`${from}>${to}`) ?? 0) === 0;
  }

  open(from: string, to: string): void {
    this.#serial += 1;
    this.#connections.set(`${from}>${to}`, { serial: this.#serial, forthMs: 0, backMs: 0 });
  }

  close(from: string, to: string): void {
    this.#connections.delete(`${from}>${to}`);
  }

  /** The serial of the connection; it changes when it is opened again. */
  serial(from: string, to: string): number | undefined {
    return this.#connections.get(`${from}>${to}`)?.serial;
  }

  /** Who has a connection open to `to`. */
  dialersOf(to: string): readonly string[] {
    return [...this.#connections.keys()]
      .filter((way) => way.endsWith(`>${to}`))
      .map((way) => way.slice(0, way.indexOf('>')));
  }

  closeAllOf(id: string): void {
    for (const way of [...this.#connections.keys()]) {
      if (way.startsWith(`${id}>`) || way.endsWith(`>${id}`)) this.#connections.delete(way);
    }
  }

  /** When a message arrives, and on which connection: mostly once. */
  carry(from: string, to: string, answer: boolean, nowMs: number): readonly Passage[] {
    const connection = this.#connections.get(answer ? `${to}>${from}` : `${from}>${to}`);
    if (!connection || !this.passes(from, to) || this.#strikes('loss')) return [];
    const first = this.#passage(connection, answer, nowMs);
    return this.#strikes('doubling') ? [first, this.#passage(connection, answer, nowMs)] : [first];
  }

  #strikes(trouble: Trouble): boolean {
    return this.#troubles.has(trouble) && this.#random.chance(this.#knobs[trouble] ?? 0);
  }

  #passage(connection: Connection, answer: boolean, nowMs: number): Passage {
    const { serial } = connection;
    const atMs = nowMs + this.delayMs();
    if (this.#strikes('shuffling')) {
      return { serial, atMs: atMs + this.#random.between(0, overtakenBy * this.#knobs.delayMsMax) };
    }
    const inOrderMs = Math.max(answer ? connection.backMs : connection.forthMs, atMs);
    if (answer) connection.backMs = inOrderMs;
    else connection.forthMs = inOrderMs;
    return { serial, atMs: inOrderMs };
  }
}
