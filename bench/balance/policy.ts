/** Who decides which server hides, and what it may know. */
import type { Agenda } from '../../server/election/simulator/agenda.js';
import type { Random } from '../../server/election/simulator/random.js';
import type { Machine } from './machine.js';

export interface Request {
  readonly workMs: number;
  /** The server that the client asks: its number in the fleet. */
  readonly entry: number;
}

export interface Surroundings {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly machines: readonly Machine[];
  /** One way, from anyone to anyone. */
  readonly networkMs: () => number;
}

export interface Policy {
  /** Calls `assign` once with the server that is to hide, when it is known; it begins there after `networkMs`. */
  route(request: Request, assign: (machine: Machine) => void): void;
  /** The hiding that was assigned is to begin; if it may not, the client asks again. */
  admits?(machine: Machine, request: Request): boolean;
  /** It has ended. */
  ended?(machine: Machine, request: Request, tookMs: number): void;
}

export interface Rival {
  readonly name: string;
  readonly make: (around: Surroundings) => Policy;
}
