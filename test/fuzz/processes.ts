/** Threads that fuzz decoders, each watched: one that stays with an input for too long is ended, and that is a finding. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { decoders } from './decoders.js';
import type { Task } from './decoders.worker.js';
import { inputOf } from './fuzz.js';
import type { Finding } from './fuzz.js';

const lookMs = 1_000;
/** A thread that says nothing for so long hangs: no target may take longer. */
const hangMs = 60_000;

export interface Done {
  readonly tried: number;
  readonly findings: readonly Finding[];
}

/** Does the tasks, `threads` at a time; `did` hears of each. */
export async function fuzzInThreads(
  tasks: readonly Task[],
  threads: number,
  did: (task: Task, findings: readonly Finding[]) => void,
): Promise<Done> {
  const waiting = [...tasks];
  const findings: Finding[] = [];
  let tried = 0;
  const work = async (): Promise<void> => {
    let thread = new Thread();
    for (let task = waiting.shift(); task; task = waiting.shift()) {
      const found = await thread.does(task);
      if (found.hung) thread = new Thread();
      tried += task.to - task.from;
      findings.push(...found.findings);
      did(task, found.findings);
    }
    await thread.end();
  };
  await Promise.all(Array.from({ length: threads }, work));
  return { tried, findings };
}

class Thread {
  readonly #trying = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker = new Worker(new URL('decoders.worker.js', import.meta.url), {
    workerData: { trying: this.#trying },
  });

  async does(task: Task): Promise<{ readonly findings: readonly Finding[]; readonly hung: boolean }> {
    const over = new AbortController();
    const answer = once(this.#worker, 'message', { signal: over.signal });
    this.#worker.postMessage(task);
    const hung = this.#hang(over.signal);
    const first = await Promise.race([answer, hung]);
    over.abort();
    answer.catch(() => undefined);
    if (Array.isArray(first)) return { findings: first[0] as Finding[], hung: false };
    await this.end();
    return { findings: [hangAt(task, Atomics.load(this.#trying, 0))], hung: true };
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Resolves when the thread has been with one input for too long, or is done. */
  async #hang(signal: AbortSignal): Promise<'hung' | 'done'> {
    let last = -1;
    let sinceMs = performance.now();
    while (!signal.aborted) {
      const now = Atomics.load(this.#trying, 0);
      if (now !== last) [last, sinceMs] = [now, performance.now()];
      if (performance.now() - sinceMs > hangMs) return 'hung';
      await once(AbortSignal.timeout(lookMs), 'abort');
    }
    return 'done';
  }
}

function hangAt({ target: name, seed }: Task, number: number): Finding {
  const target = decoders.find((one) => one.name === name)!;
  const input = Buffer.from(inputOf(target, seed, number)).toString('hex');
  return { target: name, seed, number, what: `it hangs: ${hangMs / 1_000} s and no end`, input };
}
