import test from 'ava';
import { interleave, ratios, rotated, seconds, secondsEach } from '../../../bench/harness/rounds.js';

test('contestants take turns, each round from the next one on, after a round that does not count', async (t) => {
  const turns: string[] = [];
  const contestant = (name: string, figures: number[]) => ({
    name,
    measure: async () => {
      turns.push(name);
      return figures.shift()!;
    },
  });
  const [first, second] = await interleave(
    [contestant('a', [99, 1, 2, 4]), contestant('b', [99, 3, 2, 2])],
    3,
  );
  t.is(turns.join(''), 'ab ab ba ab'.replaceAll(' ', ''));
  t.deepEqual(first!.figures, [1, 2, 4]);
  t.is(first!.ratio.median, 1);
  t.deepEqual(second!.figures, [3, 2, 2]);
  t.is(second!.ratio.median, 1);
  t.is(second!.ratio.min, 0.5);
  t.is(second!.ratio.max, 3);
});

test('nothing more is measured once it is interrupted', async (t) => {
  const interrupted = new AbortController();
  const measure = async () => {
    interrupted.abort(new Error('enough'));
    return 1;
  };
  await t.throwsAsync(interleave([{ name: 'a', measure }], 3, interrupted.signal), { message: 'enough' });
});

test('orders and ratios', (t) => {
  t.deepEqual(rotated(3, 2), [2, 0, 1]);
  t.deepEqual(ratios([2, 9], [1, 3]), [2, 3]);
});

test('what is over at once is done again, until there is something to measure', async (t) => {
  let times = 0;
  const work = async () => {
    times += 1;
  };
  let each = 0;
  const whole = await seconds(async () => {
    each = await secondsEach(work);
  });
  t.true(times > 100);
  t.true(whole > 0.2 && each * times <= whole);
});
