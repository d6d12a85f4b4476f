/** Fuzzes decoders in a thread of its own, so that one that hangs can be ended from outside. */
import { parentPort, workerData } from 'node:worker_threads';
import { decoders } from './decoders.js';
import { fuzz } from './fuzz.js';
import type { Aim } from './fuzz.js';

export interface Task extends Omit<Aim, 'trying'> {
  readonly target: string;
}

const { trying } = workerData as { readonly trying: Int32Array };

parentPort!.on('message', (task: Task) => {
  const target = decoders.find(({ name }) => name === task.target)!;
  const aim = { ...task, trying: (number: number) => void Atomics.store(trying, 0, number) };
  void fuzz(target, aim).then((findings) => parentPort!.postMessage(findings));
});
