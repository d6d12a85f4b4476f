/** How soon the survivors elect again, in simulated time on a network like loopback. */
import test from 'ava';
import { step } from '../../../../server/election/ring/step.js';
import { Checker } from '../../../../server/election/simulator/checker.js';
import { Clients } from '../../../../server/election/simulator/clients.js';
import { Network } from '../../../../server/election/simulator/network.js';
import { Random } from '../../../../server/election/simulator/random.js';
import { World } from '../../../../server/election/simulator/world.js';

const ids = ['a', 'b', 'c'];

/** Three members in peace, the last token with one of them; then `fault`, and a request at each that `survives`. */
function waitsAfter(
  seed: number,
  fault: (world: World, victim: string) => void,
  survives: (id: string, victim: string) => boolean,
): readonly number[] {
  const random = new Random(seed);
  const clients: Clients = new Clients(() => world, random, 20);
  const world: World = new World({
    ids,
    network: new Network(random, { delayMsMin: 0.1, delayMsMax: 0.5, loss: 0 }),
    step,
    watchers: [new Checker(), clients],
    reading: () => ({ backgroundCores: 0, cores: 2, speed: 1, cpu: 0 }),
    clockOffsetMs: () => 0,
  });
  const { agenda } = world;
  for (const id of ids) world.start(id);
  agenda.runUntil(random.between(1000, 2000));
  clients.ask(random.pick(ids));
  const victim = random.pick(ids);
  agenda.runUntil(agenda.nowMs + random.between(0, 3));
  const keys: string[] = [];
  for (const id of ids.filter((one) => survives(one, victim))) {
    agenda.after(random.between(0, 3), () => keys.push(clients.ask(id)));
  }
  agenda.after(random.between(0, 3), () => fault(world, victim));
  agenda.runUntil(agenda.nowMs + 3000);
  return keys.map((key) => clients.waitMs(key) ?? Infinity);
}

function longest(
  fault: (world: World, victim: string) => void,
  survives: (id: string, victim: string) => boolean,
): number {
  const waits = Array.from({ length: 100 }, (_, index) => waitsAfter(index + 1, fault, survives));
  return Math.max(...waits.flat());
}

const others = (id: string, victim: string) => id !== victim;

test('after a kill the survivors elect within 50 ms', (t) => {
  const ms = longest((world, victim) => world.kill(victim), others);
  t.log(`${ms.toFixed(1)} ms`);
  t.true(ms < 50);
});

test('after a stop the others elect within a second', (t) => {
  const ms = longest((world, victim) => world.stop(victim), others);
  t.log(`${ms.toFixed(1)} ms`);
  t.true(ms < 1000);
});

test('after a cut between two, in either direction, all three elect within a second', (t) => {
  const cut = (world: World, victim: string) => {
    const next = ids[(ids.indexOf(victim) + 1) % ids.length]!;
    world.network.cut(victim, next);
  };
  const ms = longest(cut, () => true);
  t.log(`${ms.toFixed(1)} ms`);
  t.true(ms < 1000);
});

test('after one is cut off from the rest, every side elects within a second', (t) => {
  const isolate = (world: World, victim: string) => {
    for (const id of ids.filter((one) => one !== victim)) {
      world.network.cut(victim, id);
      world.network.cut(id, victim);
    }
  };
  const ms = longest(isolate, () => true);
  t.log(`${ms.toFixed(1)} ms`);
  t.true(ms < 1000);
});
