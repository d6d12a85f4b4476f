/**
 * Fuzzes one decoder in a process of its own, so that one that hangs can be ended from outside, one that crashes takes
 * nobody along, and memory that one input took is not hidden by what another decoder took before.
 * `decoders.process.js FILE`: where it writes the number of the input that it is at.
 */
import { openSync, writeSync } from 'node:fs';
import { decoders } from './decoders.js';
import { fuzz } from './fuzz.js';
import type { Aim } from './fuzz.js';

export interface Task extends Omit<Aim, 'trying'> {
  readonly target: string;
}

const file = openSync(process.argv[2]!, 'r+');
const number = Buffer.alloc(4);

process.once('message', (task: Task) => {
  const target = decoders.find(({ name }) => name === task.target)!;
  const trying = (at: number): void => {
    number.writeUInt32LE(at);
    writeSync(file, number, 0, 4, 0);
  };
  void fuzz(target, { ...task, trying }).then((findings) => {
    process.send!(findings, () => process.disconnect());
  });
});
