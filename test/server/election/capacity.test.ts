/** Quotas of control groups, read from copies of the files that the kernel shows. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { readQuota } from '../../../server/election/capacity.js';
import type { Quota } from '../../../server/election/capacity.js';

async function quotaOf(files: Readonly<Record<string, string>>): Promise<Quota | undefined> {
  const root = await mkdtemp(path.join(tmpdir(), 'glimpse-cgroup-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(root, name)), { recursive: true });
      await writeFile(path.join(root, name), text);
    }
    return await readQuota(path.join(root, 'fs'), path.join(root, 'membership'));
  } finally {
    await rm(root, { recursive: true });
  }
}

test('version 2', async (t) => {
  const quota = await quotaOf({
    membership: '0::/cloud/a\n',
    'fs/cloud/a/cpu.max': '50000 100000\n',
    'fs/cloud/a/cpu.stat': 'usage_usec 2500000\nuser_usec 2000000\n',
  });
  t.deepEqual(quota, { cores: 0.5, usedMs: 2500 });
});

test('version 2 without a quota', async (t) => {
  t.is(await quotaOf({ membership: '0::/\n', 'fs/cpu.max': 'max 100000\n' }), undefined);
});

test('version 1, with the files at the root as in a container', async (t) => {
  const quota = await quotaOf({
    membership: '5:cpuacct:/docker/1\n4:cpu:/docker/1\n',
    'fs/cpu/cpu.cfs_quota_us': '75000\n',
    'fs/cpu/cpu.cfs_period_us': '100000\n',
    'fs/cpuacct/cpuacct.usage': '1500000000\n',
  });
  t.deepEqual(quota, { cores: 0.75, usedMs: 1500 });
});

test('version 1 without a quota, and no control groups at all', async (t) => {
  const unlimited = {
    membership: '4:cpu:/\n',
    'fs/cpu/cpu.cfs_quota_us': '-1\n',
    'fs/cpu/cpu.cfs_period_us': '1',
  };
  t.is(await quotaOf(unlimited), undefined);
  t.is(await quotaOf({}), undefined);
});
