import test from 'ava';
import { failuresAfter, pauseMs } from '../../../../client/cloud/rules/attending.js';
import { CLOUD_LIMITS } from '../../../../client/cloud/limits.js';

test('servers restarted in turn break the presence often, and nobody is away for longer each time', (t) => {
  let failures = 0;
  for (let restarts = 0; restarts < 20; restarts += 1) failures = failuresAfter(failures, 800);
  t.true(pauseMs(failures, 1) < 100);
});

test('however long nobody could attend, a presence of some seconds is enough to be back at once', (t) => {
  t.is(failuresAfter(50, CLOUD_LIMITS.attendPauseMsMax + 1), 0);
});

test('servers that never let in, or break at once, are asked ever more seldom', (t) => {
  for (const presentMs of [0, 10, CLOUD_LIMITS.attendShortMs]) {
    let failures = 0;
    for (let attempts = 0; attempts < 20; attempts += 1) failures = failuresAfter(failures, presentMs);
    t.true(pauseMs(failures, 0.5) >= CLOUD_LIMITS.attendPauseMsMax);
    t.is(
      failuresAfter(failures, 2 * CLOUD_LIMITS.attendPauseMsMax),
      0,
      'and at once again when one was good',
    );
  }
});
