/**
 * How many cores this process may use, and how much of them its control group has used: from Linux control groups,
 * version 1 and 2 (docs.kernel.org, "CPU controller" and "CFS bandwidth control"). Elsewhere, and without a quota,
 * the machine's cores.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** A control group with a quota, as it stands. */
export interface Quota {
  readonly cores: number;
  /** CPU time that all of the group has used, in core-milliseconds; NaN where it is not told. */
  readonly usedMs: number;
}

/** Cores of the machine that this process may run on. */
export function machineCores(): number {
  return availableParallelism();
}

/** The quota this process runs under; undefined: none, or not known. */
export async function readQuota(
  root = '/sys/fs/cgroup',
  membership = '/proc/self/cgroup',
): Promise<Quota | undefined> {
  const lines = ((await readText(membership)) ?? '').split('\n');
  for (const line of lines) {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const quota =
      controllers === '' ? await second(root, path) : await first(root, controllers.split(','), path);
    if (quota) return quota;
  }
  return undefined;
}

async function second(root: string, path: string): Promise<Quota | undefined> {
  const folder = await folderWith(root, path, 'cpu.max');
  const [quota, period] = ((folder && (await readText(join(folder, 'cpu.max')))) ?? 'max')
    .trim()
    .split(' ')
    .map(Number);
  if (!folder || !quota || !period) return undefined;
  return {
    cores: Math.min(quota / period, machineCores()),
    usedMs: Number(/usage_usec (\d+)/.exec((await readText(join(folder, 'cpu.stat'))) ?? '')?.[1]) / 1e3,
  };
}

async function first(root: string, controllers: readonly string[], path: string): Promise<Quota | undefined> {
  if (!controllers.includes('cpu')) return undefined;
  const folder = await folderWith(join(root, 'cpu'), path, 'cpu.cfs_quota_us');
  if (!folder) return undefined;
  const quota = Number(await readText(join(folder, 'cpu.cfs_quota_us')));
  const period = Number(await readText(join(folder, 'cpu.cfs_period_us')));
  if (!(quota > 0) || !(period > 0)) return undefined;
  const accounts = folder.replace(join(root, 'cpu'), join(root, 'cpuacct'));
  return {
    cores: Math.min(quota / period, machineCores()),
    usedMs: Number((await readText(join(accounts, 'cpuacct.usage'))) ?? NaN) / 1e6,
  };
}

/** In a container the group's path may be the host's: then its files lie at the root. */
async function folderWith(root: string, path: string, file: string): Promise<string | undefined> {
  for (const folder of [join(root, path), root]) {
    if ((await readText(join(folder, file))) !== undefined) return folder;
  }
  return undefined;
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
