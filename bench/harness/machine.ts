/** What the figures were measured on. */
import { execFileSync } from 'node:child_process';
import os from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** What else ran: processes that wanted a core in the minute before. */
  readonly loadBefore: number;
}

export function machine(): Machine {
  const loadBefore = os.loadavg()[0]!;
  return {
    cpu: os.cpus()[0]?.model.trim() ?? os.arch(),
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    loadBefore: Number(loadBefore.toFixed(2)),
  };
}

/** The commit that is checked out, marked if files differ from it; `unknown` without git. */
export function commit(): string {
  try {
    const git = (...words: string[]) =>
      execFileSync('git', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const changed = git('status', '--porcelain', '--', ':!bench/results', ':!docs') !== '';
    return git('rev-parse', '--short=12', 'HEAD') + (changed ? ' (changed)' : '');
  } catch {
    return 'unknown';
  }
}
