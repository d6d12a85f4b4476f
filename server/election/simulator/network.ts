/**
 * The simulated network. A link is a connection opened by one member to another: its requests go one way and their
 * answers the other, each in order. Connections break, single messages are lost (as the last of a dying stream are),
 * and a cut drops what crosses it without a word.
 */
import type { Message } from '../ring/state.js';
import type { Random } from './random.js';

export interface NetworkKnobs {
  /** One way, at least and at most. */
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Probability that a message is lost while faults are on. */
  readonly loss: number;
}

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
  #lossy = false;

  constructor(random: Random, knobs: NetworkKnobs) {
    this.#random = random;
    this.#knobs = knobs;
  }

  set lossy(lossy: boolean) {
    this.#lossy = lossy;
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
    this.#cuts.clear();
  }

  passes(from: string, to: string): boolean {
    return (this.#cuts.get(`${from}>${to}`) ?? 0) === 0;
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

  /** When a message arrives, and on which connection; undefined if it does not. */
  carry(from: string, to: string, answer: boolean, nowMs: number): Passage | undefined {
    const connection = this.#connections.get(answer ? `${to}>${from}` : `${from}>${to}`);
    if (!connection || !this.passes(from, to)) return undefined;
    if (this.#lossy && this.#random.chance(this.#knobs.loss)) return undefined;
    const lastMs = answer ? connection.backMs : connection.forthMs;
    const atMs = Math.max(lastMs, nowMs + this.delayMs());
    if (answer) connection.backMs = atMs;
    else connection.forthMs = atMs;
    return { atMs, serial: connection.serial };
  }
}
