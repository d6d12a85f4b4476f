/**
 * Goes through everything that can happen to a ring of three, breadth first, with the very `step` that runs in
 * production: every order in which messages arrive, requests come, links break, members are killed and start again,
 * and timers run out, within bounds on the latter four. The first breach found has the shortest way to it.
 *
 * It begins with a ring at peace whose token is parked. A member's clock stands still until one of its timers runs
 * out. Pings are left out as messages; the promise they carry may be heard at any time.
 */
import { create } from '@bufbuild/protobuf';
import { PingSchema } from '../../../gen/glimpse/v1/election_pb.js';
import { describeMessage } from '../ring/describe.js';
import { compareEpochs } from '../ring/epoch.js';
import { memberOf } from '../ring/members.js';
import type { State } from '../ring/state.js';
import { begin, step as productionStep, viewOf, wakesAtMs } from '../ring/step.js';
import { Breach, Checker } from './checker.js';
import { requestIdOf } from './clients.js';
import { Draft } from './moment.js';
import type { Moment } from './moment.js';
import { Network } from './network.js';
import { Random } from './random.js';
import { World } from './world.js';
import type { Step } from './world.js';

export interface Bounds {
  readonly requests: number;
  /** Links that break, and members that are killed. */
  readonly faults: number;
  /** Timers that run out; without any a broken link is not dialled again by its own side. */
  readonly timers?: number;
  /** Goes no further than this. */
  readonly depthMax?: number;
  /** Called whenever a depth is done. */
  readonly noted?: (states: number, depth: number) => void;
  /** Another step, to show that its bug is found. */
  readonly step?: Step;
}

export interface Explored {
  /** Moments that can be told apart. */
  readonly states: number;
  readonly depth: number;
  /** What was breached; absent when all held. */
  readonly breach?: string;
  /** What led there. */
  readonly trace: readonly string[];
}

interface Move {
  readonly said: string;
  readonly next: () => Moment;
}

const ids = ['a', 'b', 'c'];
const owner = new Uint8Array(32);
const reading = { backgroundCores: 0, cores: 2, speed: 1, cpu: 0 };

class Model {
  readonly #step: Step;
  readonly #numbers = new Map<string, number>();
  readonly #known = new WeakMap<object, number>();

  constructor(step: Step) {
    this.#step = step;
  }

  /** Everything that can happen next. */
  moves(moment: Moment): readonly Move[] {
    const living = ids.filter((id) => moment.members.get(id));
    return [
      ...[...moment.under.keys()].map((way) => this.#arrive(moment, way)),
      ...[...moment.dialled].map((way) => this.#answer(moment, way)),
      ...[...moment.open].flatMap(([way, life]) => this.#notice(moment, way, life)),
      ...ids.filter((id) => !moment.members.get(id)).map((id) => this.#restart(moment, id)),
      ...living.flatMap((id) => ids.flatMap((to) => this.#hear(moment, id, to))),
      ...(moment.requests > 0 ? living.map((id) => this.#ask(moment, id)) : []),
      ...(moment.timers > 0 ? living.flatMap((id) => this.#wake(moment, id)) : []),
      ...(moment.faults > 0 ? living.map((id) => this.#kill(moment, id)) : []),
      ...(moment.faults > 0 ? [...moment.open.keys()].flatMap((way) => this.#breaks(moment, way)) : []),
    ];
  }

  /** The same for moments that cannot be told apart. */
  keyOf(moment: Moment): string {
    const members = ids.map((id) => this.#numberOf(moment.members.get(id)));
    const under = [...moment.under]
      .sort()
      .map(([way, messages]) => [way, messages.map((one) => this.#numberOf(one))]);
    const rest = [moment.requests, moment.faults, moment.timers, [...moment.incarnations.values()]];
    return [
      members,
      under,
      [...moment.open].sort(),
      [...moment.dialled].sort(),
      rest,
      moment.checker.memory,
    ].join('|');
  }

  #move(moment: Moment, said: string, make: (draft: Draft) => void): Move {
    return {
      said,
      next: () => {
        const draft = new Draft(moment, this.#step);
        make(draft);
        return draft;
      },
    };
  }

  #arrive(moment: Moment, way: string): Move {
    const [dialler, direction, other] = way as unknown as [string, string, string];
    const [from, to] = direction === '>' ? [dialler, other] : [other, dialler];
    const [message, ...rest] = moment.under.get(way)!;
    return this.#move(moment, `${from}->${to} ${describeMessage(message!)}`, (draft) => {
      if (rest.length > 0) draft.under.set(way, rest);
      else draft.under.delete(way);
      draft.happen(to, { type: 'message', from, message: message! });
    });
  }

  /** A dial ends: in a link if the other lives. */
  #answer(moment: Moment, way: string): Move {
    const [from, , to] = way as unknown as [string, string, string];
    return this.#move(moment, `${from} reaches ${to}`, (draft) => {
      draft.dialled.delete(way);
      const dialler = draft.members.get(from);
      if (!dialler) return;
      if (!draft.members.get(to)) {
        draft.happen(from, { type: 'down', id: to });
        return;
      }
      draft.happen(to, { type: 'announced', member: memberOf(dialler, from)!, epoch: dialler.promised });
      draft.open.set(way, draft.incarnations.get(to)!);
      draft.happen(from, { type: 'up', id: to, ...viewOf(draft.members.get(to)!) });
    });
  }

  /** Who has a connection to a process that is no more hears of it at some time. */
  #notice(moment: Moment, way: string, life: number): readonly Move[] {
    const [from, , to] = way as unknown as [string, string, string];
    if (moment.members.get(to) && moment.incarnations.get(to) === life) return [];
    return [this.#down(moment, `${from} sees that ${to} is gone`, from, to)];
  }

  #down(moment: Moment, said: string, from: string, to: string, also?: (draft: Draft) => void): Move {
    return this.#move(moment, said, (draft) => {
      also?.(draft);
      draft.close(from, to);
      draft.happen(from, { type: 'down', id: to });
    });
  }

  /** What was under way has been received and is read later, or is lost. */
  #breaks(moment: Moment, way: string): readonly Move[] {
    const [from, , to] = way as unknown as [string, string, string];
    const spent = (draft: Draft): void => void (draft.faults -= 1);
    const kept = this.#down(moment, `${from}->${to} breaks`, from, to, spent);
    if (!moment.under.has(way)) return [kept];
    const lost = this.#down(
      moment,
      `${from}->${to} breaks, and loses what was under way`,
      from,
      to,
      (draft) => {
        spent(draft);
        draft.under.delete(way);
      },
    );
    return [kept, lost];
  }

  #kill(moment: Moment, id: string): Move {
    return this.#move(moment, `${id} is killed`, (draft) => {
      draft.faults -= 1;
      draft.members.set(id, undefined);
      for (const way of [...draft.under.keys()]) if (readerOf(way) === id) draft.under.delete(way);
      for (const way of [...draft.open.keys()]) if (way.startsWith(id)) draft.close(id, way.slice(2));
      for (const way of [...draft.dialled]) if (way.startsWith(id)) draft.dialled.delete(way);
    });
  }

  #restart(moment: Moment, id: string): Move {
    return this.#move(moment, `${id} starts again`, (draft) => {
      const incarnation = draft.incarnations.get(id)! + 1;
      const atMs = Math.max(...[...draft.members.values()].map((state) => state?.nowMs ?? 0));
      draft.incarnations.set(id, incarnation);
      draft.members.set(id, newborn(id, incarnation, atMs));
      draft.checker.started(id);
      const members = ids
        .filter((other) => other !== id)
        .map((other) => memberOf(newborn(other, draft.incarnations.get(other)!, atMs), other)!);
      draft.happen(id, { type: 'learned', members });
    });
  }

  #hear(moment: Moment, from: string, to: string): readonly Move[] {
    const [teller, hearer] = [moment.members.get(from), moment.members.get(to)];
    if (!teller || !hearer || !moment.open.has(`${from}>${to}`)) return [];
    if (compareEpochs(teller.promised, hearer.promised) <= 0) return [];
    const value = create(PingSchema, { sequence: 1, epoch: teller.promised });
    return [
      this.#move(moment, `${from}->${to} ${describeMessage({ case: 'ping', value })}`, (draft) =>
        draft.happen(to, { type: 'message', from, message: { case: 'ping', value } }),
      ),
    ];
  }

  #ask(moment: Moment, id: string): Move {
    return this.#move(moment, `a client asks ${id} for ${moment.requests}`, (draft) => {
      const requestId = requestIdOf(draft.requests);
      draft.requests -= 1;
      draft.happen(id, { type: 'elect', requestId, ownerFingerprint: owner, sealedBytes: 1 });
    });
  }

  #wake(moment: Moment, id: string): readonly Move[] {
    const atMs = wakesAtMs(moment.members.get(id)!);
    if (atMs === Infinity) return [];
    return [
      this.#move(moment, `a timer of ${id} runs out`, (draft) => {
        draft.timers -= 1;
        draft.happen(id, { type: 'tick' }, atMs);
      }),
    ];
  }

  /** Parts of moments are numbered by what they say: most are shared, and texts of whole moments would be long. */
  #numberOf(part: object | undefined): number {
    if (!part) return -1;
    const known = this.#known.get(part);
    if (known !== undefined) return known;
    const text = JSON.stringify(part, plainly);
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    this.#known.set(part, number);
    return number;
  }
}

function readerOf(way: string): string {
  return way[1] === '>' ? way[2]! : way[0]!;
}

function plainly(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Map ? [...(value as Map<string, unknown>)].sort() : value;
}

function newborn(id: string, incarnation: number, atMs: number): State {
  return begin({ id, address: `${id}:1`, incarnation, atMs, reading, seed: 1 });
}

/** Three members, all links up, the token parked with the first. */
function peace({ requests, faults, timers = 0 }: Bounds): Moment {
  const checker = new Checker();
  const network = new Network(new Random(1), { delayMsMin: 1, delayMsMax: 1, loss: 0 });
  const clockOffsetMs = (): number => 0;
  const world = new World({
    ids,
    network,
    step: productionStep,
    watchers: [checker],
    reading: () => reading,
    clockOffsetMs,
  });
  for (const id of ids) world.start(id);
  world.agenda.runUntil(100);
  const requestId = requestIdOf(99);
  world.happen('a', { type: 'elect', requestId, ownerFingerprint: owner, sealedBytes: 1 });
  world.agenda.runUntil(150);
  const pairs = ids.flatMap((from) => ids.filter((to) => to !== from).map((to) => `${from}>${to}`));
  return {
    members: new Map(ids.map((id) => [id, world.state(id)])),
    incarnations: new Map(ids.map((id) => [id, 1])),
    under: new Map(),
    open: new Map(pairs.map((way) => [way, 1])),
    dialled: new Set(),
    requests,
    faults,
    timers,
    checker,
  };
}

interface Way {
  readonly from: number;
  readonly said: string;
}

/** Explores until nothing new is found, or something is breached. */
export function explore(bounds: Bounds): Explored {
  const model = new Model(bounds.step ?? productionStep);
  const first = peace(bounds);
  const seen = new Set([model.keyOf(first)]);
  const ways: Way[] = [{ from: -1, said: 'a ring at peace, the token with a' }];
  let frontier: readonly (readonly [number, Moment])[] = [[0, first]];
  let depth = 0;
  while (frontier.length > 0 && depth < (bounds.depthMax ?? Infinity)) {
    const found: [number, Moment][] = [];
    for (const [from, moment] of frontier) {
      for (const { said, next } of model.moves(moment)) {
        const reached = attempt(next);
        if (typeof reached === 'string') {
          const trace = [...wayTo(ways, from), said];
          return { states: seen.size, depth: depth + 1, breach: reached, trace };
        }
        const key = model.keyOf(reached);
        if (seen.has(key)) continue;
        seen.add(key);
        found.push([ways.push({ from, said }) - 1, reached]);
      }
    }
    frontier = found;
    if (found.length > 0) depth += 1;
    bounds.noted?.(seen.size, depth);
  }
  return { states: seen.size, depth, trace: [] };
}

function attempt(next: () => Moment): Moment | string {
  try {
    return next();
  } catch (error) {
    if (error instanceof Breach) return error.message;
    throw error;
  }
}

function wayTo(ways: readonly Way[], end: number): readonly string[] {
  const said: string[] = [];
  for (let at = end; at >= 0; at = ways[at]!.from) said.unshift(ways[at]!.said);
  return said;
}
