/**
 * Servers on machines of unlike strength: control groups with a CPU quota, version 1 or 2, where this user may make
 * them (docs.kernel.org, "CFS bandwidth control"). The period is the kernel's usual 100 ms.
 */
import { mkdirSync, rmdirSync, writeFileSync, existsSync } from 'node:fs';
import path from 'node:path';

const periodUs = 100_000;
const root = '/sys/fs/cgroup';

/** One group; what joins it shares its quota. */
export interface Group {
  /** What a program is started through to be in it. */
  readonly through: readonly string[];
  allow(cores: number): void;
  remove(): void;
}

/** Undefined where groups with quotas cannot be made. */
export function makeGroup(name: string): Group | undefined {
  try {
    return existsSync(path.join(root, 'cgroup.controllers')) ? second(name) : first(name);
  } catch {
    return undefined;
  }
}

function first(name: string): Group {
  const folders = ['cpu', 'cpuacct'].map((controller) => path.join(root, controller, name));
  for (const folder of new Set(folders)) mkdirSync(folder, { recursive: true });
  const [cpu] = folders as [string];
  const allow = (cores: number): void =>
    writeFileSync(path.join(cpu, 'cpu.cfs_quota_us'), `${Math.round(cores * periodUs)}`);
  writeFileSync(path.join(cpu, 'cpu.cfs_period_us'), `${periodUs}`);
  return { through: entering(folders), allow, remove: () => folders.forEach(removeFolder) };
}

function second(name: string): Group {
  const folder = path.join(root, name);
  writeFileSync(path.join(root, 'cgroup.subtree_control'), '+cpu');
  mkdirSync(folder, { recursive: true });
  const allow = (cores: number): void =>
    writeFileSync(path.join(folder, 'cpu.max'), `${Math.round(cores * periodUs)} ${periodUs}`);
  allow(1);
  return { through: entering([folder]), allow, remove: () => removeFolder(folder) };
}

/** The shell puts itself into the groups and becomes the program. */
function entering(folders: readonly string[]): readonly string[] {
  const joins = folders.map((folder) => `echo $$ > ${folder}/cgroup.procs`);
  return ['/bin/sh', '-c', `${joins.join(' && ')} && exec "$@"`, 'sh'];
}

/** Its processes are gone, or it stays: nothing else is harmed by an empty group. */
function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    console.error(`${folder} is left behind: ${String(error)}`);
  }
}
