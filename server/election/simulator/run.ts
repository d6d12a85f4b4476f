/**
 * One run from one seed: a ring of one to five, or of as many as asked for, requests, faults, then everything healed. Safety is checked all the
 * time, liveness at the end. The same seed gives the same run. docs/protocol.md, "Properties".
 */
import { MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import { compareEpochs, epochName } from '../ring/epoch.js';
import { RING_LIMITS } from '../ring/state.js';
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

export interface Knobs extends Required<NetworkKnobs> {
  readonly seed: number;
  readonly members: number;
  /** Members that join later; ids come after those of the others. */
  readonly joiners: number;
  /** How far each clock is off at the start, at most, either way. */
  readonly clockMs: number;
  /** How long the address book takes to tell of a member that starts, at most. */
  readonly bookMs: number;
  readonly requests: number;
  readonly faults: readonly TimedFault[];
}

export interface Options {
  readonly seed: number;
  /** Drawn from the seed if absent. */
  readonly knobs?: Knobs;
  /** At least and at most, before others join; one to five if absent, three in most runs. */
  readonly members?: readonly [number, number];
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
  /** Steps, of all members together. */
  readonly events: number;
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
/** A ring at peace for so long stays so: a ping that was lost before it would have been missed by now. */
const peaceMs = RING_LIMITS.silentMsMax;
/** So often it is looked whether it is. */
const lookMs = 100;
/** Tells the chance of a run from that of its knobs. */
const runsOwn = 0x5eed;

const usualMembers = [1, 2, 2, 3, 3, 3, 4, 5] as const;

/** Every knob of a run. Not the run's own chance: knobs that were written down are to give the same run. */
export function drawKnobs({ seed, calm, members: asked }: Options): Knobs {
  const random = new Random(seed);
  const members = asked ? random.integer(...asked) : random.pick(usualMembers);
  const joiners = calm ? 0 : random.pick([0, 0, 1, 2]);
  const delayMsMin = random.between(0.05, 2);
  const ids = idsOf(members + joiners);
  return {
    seed,
    members,
    joiners,
    requests: random.integer(1, 12),
    delayMsMin,
    delayMsMax: delayMsMin * random.between(1, 8),
    loss: random.between(0.01, 0.3),
    doubling: random.between(0.01, 0.3),
    shuffling: random.between(0.01, 0.3),
    clockMs: random.integer(0, 500),
    bookMs: random.between(1, 100),
    faults: calm ? [] : drawFaults(random, ids.slice(0, members), ids.slice(members), chaosMs),
  };
}

/** In the order of the ring: a to z, or m00 and so on if there are more. */
function idsOf(members: number): readonly string[] {
  const name = (index: number): string =>
    members <= 26 ? String.fromCharCode(97 + index) : `m${String(index).padStart(2, '0')}`;
  return Array.from({ length: members }, (_, index) => name(index));
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
    this.#knobs = options.knobs ?? drawKnobs(options);
    const { seed, members, joiners, clockMs, bookMs } = this.#knobs;
    this.#random = new Random(seed ^ runsOwn);
    this.#calm = options.calm === true;
    this.#clients = new Clients(() => this.#world, this.#random, 400);
    const { trace } = options;
    const tracer: Watcher = trace
      ? { traced: (atMs, line) => trace(`${atMs.toFixed(2).padStart(9)} ${line}`) }
      : {};
    this.#world = new World({
      ids: idsOf(members + joiners),
      network: new Network(this.#random, this.#knobs),
      step: options.step ?? step,
      watchers: [tracer, this.#checker, this.#clients],
      reading: () => ({
        backgroundCores: this.#random.integer(0, 4) / 4,
        cores: this.#random.integer(1, 8),
        speed: this.#random.integer(2, 6) / 4,
        cpu: 0,
      }),
      clockOffsetMs: () => this.#random.integer(-clockMs, clockMs),
      bookMs: () => this.#random.between(0, bookMs),
    });
  }

  run(): Run {
    const breach = this.#attempt();
    const { events, grants, mints, messages } = this.#checker;
    return {
      knobs: this.#knobs,
      ...(breach !== undefined && { breach }),
      events,
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
    for (const id of this.#world.ids.slice(0, this.#knobs.members)) {
      agenda.at(this.#random.between(0, 20), () => this.#world.start(id));
    }
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
    this.#world.network.mendAll();
    for (const id of this.#world.ids) {
      this.#world.resume(id);
      this.#world.slowStore(id, 0);
      this.#world.start(id);
      this.#world.store(id, true);
    }
    this.#untilPeace(healMs);
    this.#atMostOneToken();
    const earlier = this.#clients.waits.length;
    for (const id of this.#living()) this.#clients.ask(id);
    this.#untilPeace(afterMs);
    this.#allServed();
    this.#oneToken();
    const lapsMs = 2 * this.#world.ids.length * this.#knobs.delayMsMax;
    for (const wait of this.#clients.waits.slice(earlier)) {
      this.#insist(wait <= 2 * lapsMs, () => `waited ${wait} ms after everything was healed`);
    }
  }

  /** Or until the time is over in which it must come. */
  #untilPeace(withinMs: number): void {
    const { agenda } = this.#world;
    const untilMs = agenda.nowMs + withinMs;
    for (let sinceMs = Infinity; agenda.nowMs < untilMs && agenda.nowMs - sinceMs < peaceMs;) {
      agenda.runUntil(Math.min(untilMs, agenda.nowMs + lookMs));
      sinceMs = this.#atPeace() ? Math.min(sinceMs, agenda.nowMs) : Infinity;
    }
  }

  /** All know all to be alive, are linked and of one promise; nobody waits, seeks, or has passed a token on. */
  #atPeace(): boolean {
    const { ids } = this.#world;
    const states = ids.map((id) => this.#world.state(id));
    return (
      states.every(
        ({ members, links, promised, waiting, search, passed }) =>
          members.length === ids.length &&
          members.every(({ state }) => state === MemberState.ALIVE) &&
          links.length === ids.length - 1 &&
          links.every(({ phase }) => phase === 'up') &&
          compareEpochs(promised, states[0]!.promised) === 0 &&
          waiting.length === 0 &&
          !search &&
          !passed,
      ) && this.#clients.unserved().length === 0
    );
  }

  #allServed(): void {
    const unserved = this.#clients.unserved();
    const drained = this.#world.ids.every((id) => this.#world.state(id).draining);
    this.#insist(drained || unserved.length === 0, () => `never served: ${unserved.join('; ')}`);
  }

  /** Tokens of lower epochs died of the pings alone, before anybody asks for anything. */
  #atMostOneToken(): void {
    const held = this.#living().filter((id) => this.#world.state(id).held ?? this.#world.state(id).passed);
    this.#insist(held.length <= 1, () => `after everything was healed ${held.join(' and ')} have tokens`);
  }

  /** Exactly one token is left, of an epoch that all have promised. */
  #oneToken(): void {
    const states = this.#living().map((id) => this.#world.state(id));
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

  /** Whoever was about to leave when everything was healed may have left since, and its token with it. */
  #living(): readonly string[] {
    return this.#world.ids.filter((id) => this.#world.lives(id));
  }

  #insist(holds: boolean, message: () => string): void {
    if (!holds) throw new Breach(message());
  }
}

/** Runs one seed. */
export function simulate(options: Options): Run {
  return new Simulation(options).run();
}
