/** One run: a fleet, arrivals, a policy. In simulated time, from a seed. */
import { Agenda } from '../../server/election/simulator/agenda.js';
import { Random } from '../../server/election/simulator/random.js';
import { quantile } from '../harness/spread.js';
import { drawFleet, drawWorkMs, meanWorkMs, unevenThree, workMsOf } from './fleet.js';
import type { Machine } from './machine.js';
import type { Request, Rival, Surroundings } from './policy.js';

/** The fleet is uneven; `three` is the one of three quotas. */
interface Fleets {
  readonly servers: number | 'three';
  readonly seed: number;
  readonly requests: number;
}

export type Scenario =
  | (Fleets & { readonly arrivals: 'closed'; readonly clients: number; readonly mebibytes: number })
  /** Poisson; `load`: of what the fleet could do. */
  | (Fleets & { readonly arrivals: 'open'; readonly load: number });

export interface Outcome {
  /** From the first request to the end of the last. */
  readonly totalMs: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests that each server led. */
  readonly led: readonly number[];
  /** Tickets that were no longer good, so that a leader was elected again. */
  readonly retries: number;
}

/** One way, between a client and a server, within a data centre. */
const network = { msMin: 0.1, msMax: 0.3 } as const;
/** Before the first request: rings come up, samples are taken. */
const startMs = 600;
/** The part of the requests that come before anything is counted, in open arrivals. */
const warmUp = 0.2;
/** A run that takes longer than this does not keep up: it is ended, and what waits counts as it is. */
const patienceMs = 3_600_000;

class Simulation {
  readonly #scenario: Scenario;
  readonly #agenda = new Agenda();
  readonly #random: Random;
  readonly #machines: readonly Machine[];
  readonly #capacity: number;
  readonly #policy: ReturnType<Rival['make']>;
  readonly #tookMs: number[] = [];
  readonly #led: number[];
  #asked = 0;
  #ended = 0;
  #retries = 0;

  constructor(scenario: Scenario, rival: Rival) {
    this.#scenario = scenario;
    this.#random = new Random(scenario.seed);
    const drawn = new Random(scenario.seed + 1_000_003);
    const { servers } = scenario;
    const fleet =
      servers === 'three' ? unevenThree(this.#agenda, drawn) : drawFleet(this.#agenda, drawn, servers);
    this.#machines = fleet.machines;
    this.#capacity = fleet.capacity;
    this.#led = fleet.machines.map(() => 0);
    const chance = new Random(scenario.seed + 2_000_003);
    const around: Surroundings = {
      agenda: this.#agenda,
      machines: fleet.machines,
      random: chance,
      networkMs: () => chance.between(network.msMin, network.msMax),
    };
    this.#policy = rival.make(around);
  }

  run(): Outcome {
    this.#agenda.runUntil(startMs);
    if (this.#scenario.arrivals === 'closed') this.#closed(this.#scenario.clients);
    else this.#arrive(this.#scenario.load);
    const { requests } = this.#scenario;
    while (this.#ended < requests && this.#agenda.nowMs < patienceMs) {
      this.#agenda.runUntil(this.#agenda.nowMs + 100);
    }
    if (this.#ended < requests) throw new Error(`${requests - this.#ended} requests were not served`);
    const counted = this.#tookMs;
    return {
      totalMs: this.#agenda.nowMs - startMs,
      meanMs: counted.reduce((sum, ms) => sum + ms, 0) / counted.length,
      p50Ms: quantile(counted, 0.5),
      p99Ms: quantile(counted, 0.99),
      led: this.#led,
      retries: this.#retries,
    };
  }

  #closed(clients: number): void {
    const next = (): void => {
      if (this.#asked < this.#scenario.requests) this.#ask(next);
    };
    for (let client = 0; client < clients; client++) next();
  }

  #arrive(load: number): void {
    const everyMs = meanWorkMs / (this.#capacity * load);
    const next = (): void => {
      if (this.#asked === this.#scenario.requests) return;
      this.#ask(() => undefined);
      this.#agenda.after(-everyMs * Math.log(1 - this.#random.next()), next);
    };
    next();
  }

  #ask(done: () => void): void {
    const number = this.#asked++;
    const entry = this.#random.integer(0, this.#machines.length - 1);
    const request: Request = { workMs: this.#workMs(), entry };
    const askedMs = this.#agenda.nowMs;
    this.#send(request, () => {
      this.#ended += 1;
      if (number >= this.#uncounted()) this.#tookMs.push(this.#agenda.nowMs - askedMs);
      done();
    });
  }

  #send(request: Request, done: () => void): void {
    const policy = this.#policy;
    const agenda = this.#agenda;
    policy.route(request, (machine) => {
      agenda.after(this.#random.between(network.msMin, network.msMax), () => {
        if (policy.admits?.(machine, request) === false) {
          this.#retries += 1;
          this.#send(request, done);
          return;
        }
        const begunMs = agenda.nowMs;
        this.#led[machine.index]! += 1;
        machine.begin(request.workMs, () => {
          policy.ended?.(machine, request, agenda.nowMs - begunMs);
          done();
        });
      });
    });
  }

  #uncounted(): number {
    return this.#scenario.arrivals === 'open' ? this.#scenario.requests * warmUp : 0;
  }

  #workMs(): number {
    const scenario = this.#scenario;
    return scenario.arrivals === 'closed' ? workMsOf(scenario.mebibytes) : drawWorkMs(this.#random);
  }
}

export function simulate(scenario: Scenario, rival: Rival): Outcome {
  return new Simulation(scenario, rival).run();
}
