/** Faults as data: drawn from a seed, printed with it, and done to a world. */
import type { Trouble } from './network.js';
import type { Random } from './random.js';
import type { World } from './world.js';

export type Fault =
  | { readonly type: 'kill'; readonly id: string; readonly forMs: number }
  | { readonly type: 'stop'; readonly id: string; readonly forMs: number }
  | { readonly type: 'cut'; readonly from: string; readonly to: string; readonly forMs: number }
  | { readonly type: 'split'; readonly side: readonly string[]; readonly forMs: number }
  | { readonly type: 'disconnect'; readonly from: string; readonly to: string }
  /** Both ways between two, while the others still reach both. */
  | { readonly type: 'sever'; readonly from: string; readonly to: string; readonly forMs: number }
  | { readonly type: Trouble; readonly forMs: number }
  | { readonly type: 'store'; readonly id: string; readonly forMs: number }
  | { readonly type: 'slowStore'; readonly id: string; readonly lateMs: number; readonly forMs: number }
  | { readonly type: 'clock'; readonly id: string; readonly byMs: number }
  | { readonly type: 'join'; readonly id: string }
  | { readonly type: 'drain'; readonly id: string }
  | { readonly type: 'leave'; readonly id: string; readonly forMs: number };

export interface TimedFault {
  readonly atMs: number;
  readonly fault: Fault;
}

export function describeFault({ atMs, fault }: TimedFault): string {
  const { type, ...knobs } = fault;
  const said = Object.entries<string | number | readonly string[]>(knobs).map(
    ([knob, value]) => `${knob} ${typeof value === 'number' ? Math.round(value) : value.toString()}`,
  );
  return `${Math.round(atMs)} ms: ${type} ${said.join(' ')}`;
}

type Draw = (random: Random, ids: readonly string[], forMs: number) => Fault;

const draws: readonly Draw[] = [
  (random, ids, forMs) => ({ type: 'kill', id: random.pick(ids), forMs }),
  (random, ids, forMs) => ({ type: 'kill', id: random.pick(ids), forMs }),
  (random, ids, forMs) => ({ type: 'stop', id: random.pick(ids), forMs }),
  (random, ids, forMs) => ({ type: 'stop', id: random.pick(ids), forMs }),
  (random, ids, forMs) => ({ type: 'cut', ...twoOf(random, ids), forMs }),
  (random, ids, forMs) => ({ type: 'split', side: ids.filter(() => random.chance(0.5)), forMs }),
  (random, ids) => ({ type: 'disconnect', ...twoOf(random, ids) }),
  (random, ids, forMs) => ({ type: 'sever', ...twoOf(random, ids), forMs }),
  (_, __, forMs) => ({ type: 'loss', forMs }),
  (_, __, forMs) => ({ type: 'doubling', forMs }),
  (_, __, forMs) => ({ type: 'shuffling', forMs }),
  (random, ids, forMs) => ({ type: 'store', id: random.pick(ids), forMs }),
  (random, ids, forMs) => ({
    type: 'slowStore',
    id: random.pick(ids),
    lateMs: random.between(10, 500),
    forMs,
  }),
  (random, ids) => ({ type: 'clock', id: random.pick(ids), byMs: random.between(-1000, 1000) }),
  (random, ids) => ({ type: 'drain', id: random.pick(ids) }),
  (random, ids, forMs) => ({ type: 'leave', id: random.pick(ids), forMs }),
];

function twoOf(random: Random, ids: readonly string[]): { readonly from: string; readonly to: string } {
  const from = random.pick(ids);
  const others = ids.filter((id) => id !== from);
  return { from, to: others.length === 0 ? from : random.pick(others) };
}

/** `joiners` are members that are not there from the beginning. */
export function drawFaults(
  random: Random,
  members: readonly string[],
  joiners: readonly string[],
  untilMs: number,
): readonly TimedFault[] {
  const count = random.integer(1, 5);
  const drawn = Array.from({ length: count }, (): TimedFault => {
    const atMs = random.between(0, untilMs);
    return { atMs, fault: random.pick(draws)(random, members, random.between(10, untilMs - atMs)) };
  });
  const joining = joiners.map((id): TimedFault => ({
    atMs: random.between(0, untilMs),
    fault: { type: 'join', id },
  }));
  return [...drawn, ...joining].sort((a, b) => a.atMs - b.atMs);
}

/** Does the fault now, and undoes it when its time is over. */
export function inflict(world: World, fault: Fault): void {
  const undo = begin(world, fault);
  if ('forMs' in fault) world.agenda.after(fault.forMs, undo);
}

function begin(world: World, fault: Fault): () => void {
  switch (fault.type) {
    case 'kill':
      world.kill(fault.id);
      return () => world.start(fault.id);
    case 'stop':
      world.stop(fault.id);
      return () => world.resume(fault.id);
    case 'cut':
      return cut(world, [[fault.from, fault.to]]);
    case 'sever':
      return cut(world, crossings([fault.from, fault.to], [fault.from]));
    case 'split':
      return cut(world, crossings(world.ids, fault.side));
    case 'disconnect':
      world.disconnect(fault.from, fault.to);
      return () => undefined;
    case 'loss':
    case 'doubling':
    case 'shuffling':
      world.network.trouble(fault.type, true);
      return () => world.network.trouble(fault.type, false);
    case 'store':
      world.store(fault.id, false);
      return () => world.store(fault.id, true);
    case 'slowStore':
      world.slowStore(fault.id, fault.lateMs);
      return () => world.slowStore(fault.id, 0);
    case 'clock':
      world.shiftClock(fault.id, fault.byMs);
      return () => undefined;
    case 'join':
      world.start(fault.id);
      return () => undefined;
    case 'drain':
      world.happen(fault.id, { type: 'drain' });
      return () => undefined;
    case 'leave':
      world.happen(fault.id, { type: 'leave' });
      return () => world.start(fault.id);
  }
}

function crossings(ids: readonly string[], side: readonly string[]): readonly [string, string][] {
  const other = ids.filter((id) => !side.includes(id));
  return side.flatMap((a) =>
    other.flatMap((b): [string, string][] => [
      [a, b],
      [b, a],
    ]),
  );
}

function cut(world: World, ways: readonly (readonly [string, string])[]): () => void {
  for (const [from, to] of ways) {
    world.trace(`${from}->${to} is cut`);
    world.network.cut(from, to);
  }
  return () => {
    for (const [from, to] of ways) world.network.mend(from, to);
  };
}
