/** The side of a process of this folder that is asked: it answers until its parent is gone or it is told to end. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { letHeapGrow } from '../../core/heap.js';
import type { Used } from './child.js';

type Doing = (given: never) => unknown;

/** Resolves when the process is to end; until then it does what it is asked for. */
export function answering(doings: Readonly<Record<string, Doing>>): Promise<void> {
  letHeapGrow(); // as the product's programs do
  const usage = usageMeter();
  const all: Readonly<Record<string, Doing>> = { ...doings, used: usage, delayP99Ms: delayMeter(), collect };
  process.on('message', (asked) => {
    const { number, what, given } = asked as { number: number; what: string; given: never };
    Promise.resolve()
      .then(() => all[what]!(given))
      .then(
        (result) => process.send?.({ number, result }),
        (error: unknown) => process.send?.({ number, error: inWords(error) }),
      );
  });
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
    process.once('disconnect', () => resolve());
  });
}

/** Garbage, where Node was started with --expose-gc: what is resident afterwards is in use. */
function collect(): void {
  globalThis.gc?.();
}

function inWords(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** How late timers were since it was asked before. It begins when it is first asked: it wakes the process all the time. */
function delayMeter(): () => number {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  return () => {
    delay.enable();
    const p99Ms = delay.percentile(99) / 1e6;
    delay.reset();
    return p99Ms;
  };
}

function usageMeter(): () => Used {
  let before = process.cpuUsage();
  let atMs = performance.now();
  return () => {
    const cpu = process.cpuUsage(before);
    const nowMs = performance.now();
    const used = {
      cpuMs: (cpu.user + cpu.system) / 1000,
      elapsedMs: nowMs - atMs,
      residentBytes: process.memoryUsage.rss(),
      peakBytes: process.resourceUsage().maxRSS * 1024,
    };
    before = process.cpuUsage();
    atMs = nowMs;
    return used;
  };
}
