/**
 * One run from one seed: a ring of one to five, requests, faults, then everything healed. Safety is checked all the
 * time, liveness at the end. The same seed gives the same run. docs/protocol.md, "Properties".
 */
import { compareEpochs, epochName } from '../ring/epoch.js';
import { step } from '../ring/step.js';
import { Breach, Checker } from './checker.js';
import { Clients } from './clients.js';
import { describeFault, drawFaults, inflict } from './faults.js';
import type { TimedFault } from './faults.js';
import { Network } from './network.js';
import type { NetworkKnobs } from './network.js';
import { Random } from './random.js';
import { World } from './world.js';
import type { Step, Watcher } from './world.js';

export interface Knobs extends NetworkKnobs {
  readonly seed: number;
  readonly members: number;
  readonly requests: number;
  readonly faults: readonly TimedFault[];
}

export interface Options {
  readonly seed: number;
  /** A run without faults, in which messages and laps are counted too. */
  readonly calm?: boolean;
  /** Another step, to show that its bug is found. */
  readonly step?: Step;
  readonly trace?: (line: string) => void;
}

export interface Run {
  readonly knobs: Knobs;
  /** What was breached; absent when all held. */
  readonly breach?: string;
  readonly grants: number;
  readonly mints: number;
  readonly messages: number;
  /** From question to grant, in simulated ms. */
  readonly waits: readonly number[];
}

/** Links come up within this. */
const startMs = 500;
const chaosMs = 2500;
/** Restarted members are found again, silences noticed, backoffs and retries over. */
const healMs = 5500;
const afterMs = 1500;

function drawKnobs({ seed, calm }: Options, random: Random): Knobs {
  const members = random.pick([1, 2, 2, 3, 3, 3, 4, 5]);
  const delayMsMin = random.between(0.05, 2);
  const ids = idsOf(members);
  return {
    seed,
    members,
    requests: random.integer(1, 12),
    delayMsMin,
    delayMsMax: delayMsMin * random.between(1, 8),
    loss: random.between(0.01, 0.3),
    faults: calm ? [] : drawFaults(random, ids, chaosMs),
  };
}

function idsOf(members: number): readonly string[] {
  return ['a', 'b', 'c', 'd', 'e'].slice(0, members);
}

/** The seed and every knob, for the report of a failure. */
export function describeKnobs(knobs: Knobs): string {
  const { faults, ...rest } = knobs;
  const said = Object.entries(rest).map(([knob, value]) => `${knob} ${Number(value.toFixed(3))}`);
  return [said.join(', '), ...faults.map((fault) => `  ${describeFault(fault)}`)].join('\n');
}

class Simulation {
  readonly #random: Random;
  readonly #knobs: Knobs;
  readonly #calm: boolean;
  readonly #world: World;
  readonly #checker = new Checker();
  readonly #clients: Clients;

  constructor(options: Options) {
    this.#random = new Random(options.seed);
    this.#knobs = drawKnobs(options, this.#random);
    this.#calm = options.calm === true;
    this.#clients = new Clients(() => this.#world, this.#random, 400);
    const { trace } = options;
    const tracer: Watcher = trace
      ? { traced: (atMs, line) => trace(`${atMs.toFixed(2).padStart(9)} ${line}`) }
      : {};
    this.#world = new World({
      ids: idsOf(this.#knobs.members),
      network: new Network(this.#random, this.#knobs),
      step: options.step ?? step,
      watchers: [tracer, this.#checker, this.#clients],
      reading: () => ({
        backgroundCores: this.#random.integer(0, 4) / 4,
        cores: this.#random.integer(1, 8),
        speed: this.#random.integer(2, 6) / 4,
        cpu: 0,
      }),
      clockOffsetMs: () => this.#random.integer(-500, 500),
    });
  }

  run(): Run {
    const breach = this.#attempt();
    const { grants, mints, messages } = this.#checker;
    return {
      knobs: this.#knobs,
      ...(breach !== undefined && { breach }),
      grants,
      mints,
      messages,
      waits: this.#clients.waits,
    };
  }

  #attempt(): string | undefined {
    try {
      this.#start();
      this.#disturb();
      if (this.#calm) this.#checkCalm();
      else this.#checkHealed();
      return undefined;
    } catch (error) {
      if (error instanceof Breach) return error.message;
      throw error;
    }
  }

  #start(): void {
    const { agenda } = this.#world;
    for (const id of this.#world.ids) agenda.at(this.#random.between(0, 20), () => this.#world.start(id));
    agenda.runUntil(startMs);
    if (!this.#calm) return;
    this.#clients.ask(this.#random.pick(this.#world.ids));
    agenda.runUntil(startMs + afterMs);
  }

  #disturb(): void {
    const { agenda } = this.#world;
    for (const { atMs, fault } of this.#knobs.faults) {
      agenda.after(atMs, () => inflict(this.#world, fault));
    }
    for (let asked = 0; asked < this.#knobs.requests; asked++) {
      agenda.after(this.#random.between(0, chaosMs), () =>
        this.#clients.ask(this.#random.pick(this.#world.ids)),
      );
    }
    agenda.runUntil(agenda.nowMs + chaosMs);
  }

  /** Without faults: at most 2n messages an election, and no wait longer than two laps. */
  #checkCalm(): void {
    const { agenda } = this.#world;
    agenda.runUntil(agenda.nowMs + afterMs);
    const { members, requests, delayMsMax } = this.#knobs;
    this.#insist(
      this.#checker.messages <= 2 * members * (requests + 1),
      () => `${this.#checker.messages} messages`,
    );
    const lapsMs = 2 * members * delayMsMax;
    for (const wait of this.#clients.waits) this.#insist(wait <= lapsMs, () => `waited ${wait} ms`);
    this.#allServed();
    this.#oneToken();
  }

  #checkHealed(): void {
    const { agenda, network } = this.#world;
    network.mendAll();
    network.lossy = false;
    for (const id of this.#world.ids) {
      this.#world.resume(id);
      this.#world.start(id);
      this.#world.happen(id, { type: 'store', reachable: true });
    }
    agenda.runUntil(agenda.nowMs + healMs);
    const earlier = this.#clients.waits.length;
    for (const id of this.#world.ids) this.#clients.ask(id);
    agenda.runUntil(agenda.nowMs + afterMs);
    this.#allServed();
    this.#oneToken();
    const lapsMs = 2 * this.#knobs.members * this.#knobs.delayMsMax;
    for (const wait of this.#clients.waits.slice(earlier)) {
      this.#insist(wait <= 2 * lapsMs, () => `waited ${wait} ms after everything was healed`);
    }
  }

  #allServed(): void {
    const unserved = this.#clients.unserved();
    const drained = this.#world.ids.every((id) => this.#world.state(id).draining);
    this.#insist(drained || unserved.length === 0, () => `never served: ${unserved.join('; ')}`);
  }

  /** Exactly one token is left, of an epoch that all have promised. */
  #oneToken(): void {
    const states = this.#world.ids.map((id) => this.#world.state(id));
    const tokens = states.flatMap((state) => state.held?.token ?? state.passed?.token ?? []);
    const epochs = [...new Set(tokens.map((token) => epochName(token.epoch!)))];
    this.#insist(epochs.length === 1, () => `${epochs.length} tokens at the end: ${epochs.join(', ')}`);
    for (const state of states) {
      this.#insist(
        compareEpochs(state.promised, tokens[0]!.epoch!) === 0,
        () => `${state.self} has not heard of the token's epoch`,
      );
    }
  }

  #insist(holds: boolean, message: () => string): void {
    if (!holds) throw new Breach(message());
  }
}

/** Runs one seed. */
export function simulate(options: Options): Run {
  return new Simulation(options).run();
}
