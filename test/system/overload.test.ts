/** More at once than a server can take: docs/reliability.md, "Overload". Times are the bench's, not a test's. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { BOUND_BYTES, bear } from '../../bench/overload/load.js';
import { STEGO_LIMITS } from '../../server/stego/limits.js';
import { temporaryFolder } from './prerequisites.js';

test('more photos than a server hides at once, and an owner who never reads: all are hidden, others are served, memory is bounded', async (t) => {
  const hides = 2 * STEGO_LIMITS.hidesMax;
  const cover = path.resolve('test/photos/allium-oreophilum.jpg');
  const folder = path.join(await temporaryFolder(t), 'crowd');
  await mkdir(folder);
  const crowd = { servers: 1, hides, bytes: 10_000_000, cover };
  const { hidesMs, elections, unlocks, used } = await bear(folder, crowd);
  t.is(hidesMs.length, hides);
  const served = [elections, unlocks].map(({ tookMs }) => tookMs.length);
  t.true(
    served.every((times) => times > 10),
    served.join(' elections, views: '),
  );
  t.is(elections.failed + unlocks.failed, 0);
  for (const { peakBytes } of used) {
    t.log(`${Math.round(peakBytes / 1e6)} MB`);
    t.true(peakBytes < BOUND_BYTES);
  }
});
