/**
 * As Prequal does it (Wydrowski et al., "Load is not what you should balance", NSDI 2024): dispatchers keep pools of
 * probes that say how much is in flight at a server and how long it takes; of the servers that are not hot the one
 * with the lowest latency is taken, and if all are hot the one with the least in flight. Where the paper takes past
 * latencies at about the same number in flight, they are scaled to it: without that a server that was overloaded once
 * is shunned for long, as hidings take much longer than the paper's requests.
 */
import { meanWorkMs } from './fleet.js';
import type { Machine } from './machine.js';
import type { Policy, Request, Rival, Surroundings } from './policy.js';

/** The paper's settings; `serversEach`: few dispatchers, so that each pool is fresh. */
const settings = {
  serversEach: 10,
  pool: 16,
  probesPerRequest: 3,
  hotQuantile: 0.84,
  probeAgeMs: 1000,
  usesMax: 2,
  remembered: 16,
  heard: 100,
} as const;

interface Probe {
  readonly machine: Machine;
  inFlight: number;
  readonly latencyMs: number;
  readonly atMs: number;
  uses: number;
}

interface Served {
  /** In flight when it came, itself included. */
  readonly inFlight: number;
  readonly tookMs: number;
}

/** What a server answers to probes. */
class Estimates {
  readonly #served = new Map<Machine, Served[]>();
  readonly #found = new Map<Request, number>();

  began(machine: Machine, request: Request): void {
    this.#found.set(request, machine.inFlight + 1);
  }

  ended(machine: Machine, request: Request, tookMs: number): void {
    const served = this.#served.get(machine) ?? [];
    served.push({ inFlight: this.#found.get(request)!, tookMs });
    this.#found.delete(request);
    if (served.length > settings.remembered) served.shift();
    this.#served.set(machine, served);
  }

  /** The median of what took place of late, each brought to what is in flight now. */
  latencyMs(machine: Machine): number {
    const share = (inFlight: number): number => Math.max(1, inFlight / machine.cores);
    const now = share(machine.inFlight + 1);
    const served = this.#served.get(machine) ?? [];
    if (served.length === 0) return (now * meanWorkMs) / machine.speed;
    const times = served
      .map(({ inFlight, tookMs }) => (tookMs * now) / share(inFlight))
      .sort((a, b) => a - b);
    return times[Math.floor(times.length / 2)]!;
  }
}

class Dispatcher {
  readonly #around: Surroundings;
  readonly #estimates: Estimates;
  readonly #heard: number[] = [];
  #pool: Probe[] = [];
  #oldest = false;

  constructor(around: Surroundings, estimates: Estimates) {
    this.#around = around;
    this.#estimates = estimates;
  }

  choose(): Machine {
    const { agenda, machines, random } = this.#around;
    for (let probe = 0; probe < settings.probesPerRequest; probe++) this.#probe(random.pick(machines));
    this.#pool = this.#pool.filter(({ atMs }) => agenda.nowMs - atMs <= settings.probeAgeMs);
    if (this.#pool.length < 2) return random.pick(machines);
    const chosen = this.#best();
    chosen.inFlight += 1;
    chosen.uses += 1;
    if (chosen.uses >= settings.usesMax) this.#remove(chosen);
    else this.#removeOne();
    return chosen.machine;
  }

  #best(): Probe {
    const hot = this.#hot();
    const cold = this.#pool.filter(({ inFlight }) => inFlight <= hot);
    const by = cold.length > 0 ? (probe: Probe) => probe.latencyMs : (probe: Probe) => probe.inFlight;
    return (cold.length > 0 ? cold : this.#pool).reduce((best, probe) =>
      by(probe) < by(best) ? probe : best,
    );
  }

  /** Alternately the oldest and the worst. */
  #removeOne(): void {
    this.#oldest = !this.#oldest;
    const [first] = this.#pool;
    if (!first || this.#pool.length <= 2) return;
    if (this.#oldest) {
      this.#remove(first);
      return;
    }
    const hot = this.#hot();
    const some = this.#pool.filter(({ inFlight }) => inFlight > hot);
    const by = some.length > 0 ? (probe: Probe) => probe.inFlight : (probe: Probe) => probe.latencyMs;
    const from = some.length > 0 ? some : this.#pool;
    this.#remove(from.reduce((worst, probe) => (by(probe) > by(worst) ? probe : worst)));
  }

  #remove(probe: Probe): void {
    this.#pool = this.#pool.filter((other) => other !== probe);
  }

  #hot(): number {
    const heard = [...this.#heard].sort((a, b) => a - b);
    return heard[Math.floor(settings.hotQuantile * heard.length)] ?? Infinity;
  }

  #probe(machine: Machine): void {
    const { agenda, networkMs } = this.#around;
    agenda.after(networkMs(), () => {
      const answer = { inFlight: machine.inFlight, latencyMs: this.#estimates.latencyMs(machine) };
      agenda.after(networkMs(), () => this.#take({ machine, ...answer, atMs: agenda.nowMs, uses: 0 }));
    });
  }

  #take(probe: Probe): void {
    this.#heard.push(probe.inFlight);
    if (this.#heard.length > settings.heard) this.#heard.shift();
    this.#pool.push(probe);
    if (this.#pool.length > settings.pool) this.#pool.shift();
  }
}

export const prequal: Rival = {
  name: 'Prequal',
  make: (around): Policy => {
    const estimates = new Estimates();
    const dispatchers = Array.from(
      { length: Math.ceil(around.machines.length / settings.serversEach) },
      () => new Dispatcher(around, estimates),
    );
    return {
      route: ({ entry }, assign) => assign(dispatchers[entry % dispatchers.length]!.choose()),
      admits: (machine, request) => {
        estimates.began(machine, request);
        return true;
      },
      ended: (machine, request, tookMs) => estimates.ended(machine, request, tookMs),
    };
  },
};
