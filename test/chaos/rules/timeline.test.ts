import test from 'ava';
import { drawTimeline } from '../../../chaos/rules/timeline.js';
import { cycleMs, drawSchedule } from '../../../chaos/rules/schedule.js';
import { drawEvidence } from './histories.js';

test('a run is drawn with a lane for everybody, as XML without a doubt', (t) => {
  const town = {
    servers: ['s1', 's2', 's3'],
    clients: ['alice'],
    members: [],
    disks: [],
    cables: ['cut', 'slow'] as const,
  };
  const drawn = drawTimeline({
    parts: drawSchedule(1, cycleMs, town),
    operations: drawEvidence(1, 50).operations,
  });
  for (const name of ['s1', 's2', 's3', 'alice', 'bob', 'rotation', 'rolling'])
    t.true(drawn.includes(`>${name}</text>`), name);
  t.false(/NaN|undefined|Infinity/.test(drawn));
  t.is(drawn.match(/<svg/g)?.length, 1);
});
