/**
 * The ring as it runs in production: each server is a State stepped by the ring's `step`, its readings are sampled
 * and rounded as the servers do it, tickets are admitted, and every ping, want, token and acknowledgement crosses the
 * simulated network. Servers beyond `membersMax` stand in several rings; the entry server then draws two rings and
 * takes the one whose members, taken together as one server, are less loaded. That choice is simulated only.
 */
import { create } from '@bufbuild/protobuf';
import { LoadSchema } from '../../gen/glimpse/v1/election_pb.js';
import type { Load, Ticket } from '../../gen/glimpse/v1/election_pb.js';
import { READING_LIMITS, roundSpeed, smooth, told } from '../../server/election/readings.js';
import { relativeLoad, visitedLoads } from '../../server/election/ring/load.js';
import { creditCount } from '../../server/election/ring/credits.js';
import { admits } from '../../server/election/ring/requests.js';
import { requestKey } from '../../server/election/ring/state.js';
import type { Reading, State } from '../../server/election/ring/state.js';
import { step } from '../../server/election/ring/step.js';
import { requestIdOf } from '../../server/election/simulator/clients.js';
import { Network } from '../../server/election/simulator/network.js';
import { World } from '../../server/election/simulator/world.js';
import type { Machine } from './machine.js';
import type { Policy, Request, Rival, Surroundings } from './policy.js';

/** A hop between servers: measured as half a millisecond a lap of three, and two microseconds a row of the token. */
const hop = { msMin: 0.1, msMax: 0.24, rowMs: 0.002 } as const;

/** How often rings tell each other how loaded they are. */
const tellMs = 200;

const blankLoad = create(LoadSchema);
const owner = new Uint8Array(32);

interface Asked {
  readonly request: Request;
  readonly assign: (machine: Machine) => void;
}

/** One ring: a world of its own, in the time of all. */
class Circle {
  readonly world: World;
  readonly #around: Surroundings;
  readonly #machines: ReadonlyMap<string, Machine>;
  readonly #asked = new Map<string, Asked>();
  /** Tickets that were used, by request: for the leader's own bookkeeping. */
  readonly tickets: Map<Request, { readonly id: string; readonly ticket: Ticket }>;
  /** As last told to the other rings: all members together. */
  told = blankLoad;

  constructor(around: Surroundings, machines: readonly Machine[], tickets: Circle['tickets']) {
    this.#around = around;
    this.tickets = tickets;
    this.#machines = new Map(machines.map((machine) => [idOf(machine), machine]));
    const rowsMs = hop.rowMs * machines.length;
    const network = { delayMsMin: hop.msMin + rowsMs, delayMsMax: hop.msMax + rowsMs, loss: 0 };
    this.world = new World({
      ids: machines.map(idOf),
      agenda: around.agenda,
      network: new Network(around.random, network),
      step,
      watchers: [{ granted: (_, key, ticket) => this.#granted(key, ticket) }],
      reading: (id) => readingOf(this.#machines.get(id)!),
      clockOffsetMs: () => 0,
    });
    for (const [id, machine] of this.#machines) {
      this.world.start(id);
      this.#sample(id, machine);
    }
    this.#tell();
  }

  ask(entry: string, number: number, asked: Asked): void {
    const requestId = requestIdOf(number);
    this.#asked.set(requestKey(requestId, owner), asked);
    this.world.happen(entry, { type: 'elect', requestId, ownerFingerprint: owner, sealedBytes: 1 });
  }

  #granted(key: string, ticket: Ticket): void {
    const asked = this.#asked.get(key)!;
    this.#asked.delete(key);
    const { leader: id } = ticket;
    this.#around.agenda.after(this.#around.networkMs(), () => {
      this.tickets.set(asked.request, { id, ticket });
      asked.assign(this.#machines.get(id)!);
    });
  }

  #sample(id: string, machine: Machine): void {
    const { agenda, random } = this.#around;
    let before = machine.used();
    let reading: Reading | undefined;
    const sample = (): void => {
      const now = machine.used();
      const ownCores = (now.ownMs - before.ownMs) / READING_LIMITS.sampleMs;
      const othersCores = (now.othersMs - before.othersMs) / READING_LIMITS.sampleMs;
      before = now;
      reading = smooth(
        reading,
        { cores: machine.cores, allCores: ownCores + othersCores, ownCores },
        roundSpeed(machine.speed),
      );
      this.world.happen(id, { type: 'sample', reading: told(reading) });
      agenda.after(READING_LIMITS.sampleMs, sample);
    };
    agenda.after(random.between(0, READING_LIMITS.sampleMs), sample);
  }

  #tell(): void {
    const [first] = this.world.ids;
    this.told = rowOfAll(this.world.state(first!));
    this.#around.agenda.after(tellMs, () => this.#tell());
  }
}

function idOf({ index }: Machine): string {
  return `s${String(index).padStart(4, '0')}`;
}

function readingOf({ cores, speed }: Machine): Reading {
  return { backgroundCores: 0, cpu: 0, cores, speed: roundSpeed(speed) };
}

/** The row of a ring as one of its members sees it: all members together, as if they were one. */
function rowOfAll(state: State): Load {
  const rows = visitedLoads(state, state.loads);
  const sum = (of: (row: Load) => number): number => rows.reduce((all, row) => all + of(row), 0);
  const cores = sum((row) => row.cores);
  return create(LoadSchema, {
    inFlight: sum((row) => row.inFlight + creditCount(row.credits)),
    backgroundCores: sum((row) => row.backgroundCores),
    cores,
    speed: sum((row) => row.cores * row.speed) / cores,
  });
}

class Rings implements Policy {
  readonly #around: Surroundings;
  readonly #circles: readonly Circle[];
  readonly #tickets: Circle['tickets'] = new Map();
  #asked = 0;

  constructor(around: Surroundings, membersMax: number) {
    this.#around = around;
    const count = Math.max(1, Math.ceil(around.machines.length / membersMax));
    this.#circles = Array.from({ length: count }, (_, ring) => {
      const members = around.machines.filter(({ index }) => index % count === ring);
      return new Circle(around, members, this.#tickets);
    });
  }

  route(request: Request, assign: (machine: Machine) => void): void {
    const { agenda, random, networkMs } = this.#around;
    const circle = this.#lessLoaded();
    const entry = random.pick(circle.world.ids);
    this.#asked += 1;
    const number = this.#asked;
    agenda.after(networkMs(), () => circle.ask(entry, number, { request, assign }));
  }

  admits(_: Machine, request: Request): boolean {
    const { id, ticket } = this.#tickets.get(request)!;
    const { world } = this.#circleOf(request);
    const admitted = admits(world.state(id), ticket, world.clockMs(id));
    if (admitted) world.happen(id, { type: 'began', ticket });
    return admitted;
  }

  ended(_: Machine, request: Request): void {
    const { id } = this.#tickets.get(request)!;
    this.#circleOf(request).world.happen(id, { type: 'ended' });
    this.#tickets.delete(request);
  }

  #lessLoaded(): Circle {
    const [one, other] = [this.#draw(), this.#draw()];
    return relativeLoad(other.told) < relativeLoad(one.told) ? other : one;
  }

  /** A ring, the more likely the more it can do. */
  #draw(): Circle {
    const abilities = this.#circles.map(({ told }) => told.cores * told.speed - told.backgroundCores);
    let left = this.#around.random.next() * abilities.reduce((sum, one) => sum + one, 0);
    return this.#circles[abilities.findIndex((ability) => (left -= ability) < 0)] ?? this.#circles[0]!;
  }

  #circleOf(request: Request): Circle {
    const number = Number(this.#tickets.get(request)!.id.slice(1));
    return this.#circles[number % this.#circles.length]!;
  }
}

/** One ring up to thirty members, more in rings of about the square root of their number. */
export const ring: Rival = {
  name: 'the ring',
  make: (around) => {
    const { length } = around.machines;
    return new Rings(around, length <= 30 ? 30 : Math.ceil(Math.sqrt(length)));
  },
};
