/** The drill of `cloud`: its servers are away in turn, so that one always is, for those who want to see it survive. */
import { once } from 'node:events';
import type { ServerProcess } from './server-process.js';

/** Until the signal aborts: one is killed, and when it is back, the next. */
export async function drill(
  processes: readonly ServerProcess[],
  awayMs: number,
  tell: (id: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let turn = 0; !signal.aborted; turn += 1) {
    const process = processes[turn % processes.length]!;
    const back = once(process, 'ready', { signal });
    tell(process.id);
    process.takeAway(awayMs);
    await back.catch(() => undefined);
  }
}
