import test from 'ava';
import { Refused } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { STEGO_LIMITS } from '../../../server/stego/limits.js';
import { Room } from '../../../server/stego/room.js';

const { hidesMax, waitingMax, streamsMax, declaredBytesMax, retryAfterMs } = STEGO_LIMITS;

const times = <T>(count: number, each: () => T): T[] => Array.from({ length: count }, each);

test('who finds no room waits its turn, and everybody gets in', async (t) => {
  const room = new Room('s1');
  const places = times(hidesMax + waitingMax, () => room.ask(1));
  const order: number[] = [];
  const entering = places.map((place, at) =>
    place.entered.then(() => {
      order.push(at);
      place.leave();
    }),
  );
  await Promise.all(entering);
  t.deepEqual(
    order,
    places.map((_, at) => at),
  );
});

test('beyond those who may wait, all are told when to ask again', (t) => {
  const room = new Room('s1');
  const places = times(hidesMax + waitingMax, () => room.ask(1));
  const error = t.throws(() => room.ask(1), { instanceOf: Refused });
  t.is(error.reason, Reason.TRY_LATER);
  t.is(error.retryAfterMs, retryAfterMs);
  t.deepEqual(error.metadata, { limit: 'hidesMax', value: String(hidesMax) });
  places.at(-1)!.leave();
  t.notThrows(() => room.ask(1), 'who waits no longer leaves its place');
});

test('declared bytes are bounded in all, and a small hiding does not overtake a large one', async (t) => {
  const room = new Room('s1');
  const [first, second, small] = [declaredBytesMax - 10, 20, 1].map((bytes) => room.ask(bytes)) as [
    ReturnType<Room['ask']>,
    ReturnType<Room['ask']>,
    ReturnType<Room['ask']>,
  ];
  await first.entered;
  const entered: string[] = [];
  const both = Promise.all([
    second.entered.then(() => entered.push('second')),
    small.entered.then(() => entered.push('small')),
  ]);
  await Promise.resolve();
  t.deepEqual(entered, []);
  first.leave();
  first.leave();
  await both;
  t.deepEqual(entered, ['second', 'small']);
});

test('streams are bounded, whatever they turn out to be', (t) => {
  const room = new Room('s1');
  const departures = times(streamsMax, () => room.arrive());
  const error = t.throws(() => room.arrive(), { instanceOf: Refused });
  t.is(error.metadata['limit'], 'streamsMax');
  departures[0]!();
  t.notThrows(() => room.arrive());
});
