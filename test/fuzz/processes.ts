/** Processes that fuzz decoders, each watched: one that stays with an input for too long is ended; that, and a crash, are findings. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import { decoders } from './decoders.js';
import type { Task } from './decoders.process.js';
import { inputOf } from './fuzz.js';
import type { Finding } from './fuzz.js';

const program = fileURLToPath(new URL('decoders.process.js', import.meta.url));
const lookMs = 1_000;
/** A process that says nothing for so long hangs: no target may take longer. */
const hangMs = 60_000;

export interface Done {
  readonly tried: number;
  readonly findings: readonly Finding[];
}

/** Does the tasks, so many at a time; `did` hears of each. */
export async function fuzzInProcesses(
  tasks: readonly Task[],
  atOnce: number,
  did: (task: Task, findings: readonly Finding[]) => void,
): Promise<Done> {
  const folder = await mkdtemp(path.join(tmpdir(), 'glimpse-fuzz-'));
  try {
    const all = await pLimit(atOnce).map(tasks, async (task, index) => {
      const findings = await does(task, path.join(folder, String(index)));
      did(task, findings);
      return findings;
    });
    return { tried: tasks.reduce((sum, { from, to }) => sum + to - from, 0), findings: all.flat() };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function does(task: Task, file: string): Promise<readonly Finding[]> {
  await writeFile(file, Buffer.alloc(4));
  const child = fork(program, [file]);
  const over = new AbortController();
  let findings: readonly Finding[] | undefined;
  child.once('message', (found) => (findings = found as Finding[]));
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const at = async (): Promise<number> => (await readFile(file)).readUInt32LE();
  child.send(task);
  const first = await Promise.race([exited, hang(at, over.signal)]);
  over.abort();
  if (first === 'hung') {
    child.kill('SIGKILL');
    return [findingAt(task, await at(), `it hangs: ${hangMs / 1_000} s and no end`)];
  }
  const [code, signal] = await exited;
  return findings ?? [findingAt(task, await at(), `its process ended: ${signal ?? `exit ${code}`}`)];
}

/** Resolves when the process has been with one input for too long, or it no longer matters. */
async function hang(at: () => Promise<number>, signal: AbortSignal): Promise<'hung' | 'over'> {
  let last = -1;
  let sinceMs = performance.now();
  while (!signal.aborted) {
    const now = await at();
    if (now !== last) [last, sinceMs] = [now, performance.now()];
    if (performance.now() - sinceMs > hangMs) return 'hung';
    await once(AbortSignal.any([signal, AbortSignal.timeout(lookMs)]), 'abort');
  }
  return 'over';
}

function findingAt({ target: name, seed }: Task, number: number, what: string): Finding {
  const target = decoders.find((one) => one.name === name)!;
  const input = Buffer.from(inputOf(target, seed, number)).toString('hex');
  return { target: name, seed, number, what, input };
}
