/** Tells whether a file may have changed without reading it: its size, its times, and which file it is. */
import type { BigIntStats } from 'node:fs';

/** Equal stamps of a path: the same content, as far as the file system knows. The time of change cannot be set. */
export interface Stamp {
  readonly bytes: number;
  readonly text: string;
}

export function stampOf({ size, mtimeNs, ctimeNs, ino, dev }: BigIntStats): Stamp {
  return { bytes: Number(size), text: [size, mtimeNs, ctimeNs, ino, dev].join(' ') };
}
