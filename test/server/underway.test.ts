import test from 'ava';
import { Underway } from '../../server/underway.js';

test('it is settled when everything that began has ended', async (t) => {
  const underway = new Underway();
  t.is(await underway.settled(0), 0);
  const ends = [underway.begin(), underway.begin()];
  const settled = underway.settled(60_000);
  ends[0]!();
  ends[0]!();
  t.is(await underway.settled(0), 1, 'an end counts once');
  ends[1]!();
  t.is(await settled, 0);
});

test('what does not end in time is told', async (t) => {
  const underway = new Underway();
  underway.begin();
  t.is(await underway.settled(5), 1);
});
