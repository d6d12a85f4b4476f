/** Files for their owner alone. */
import { closeSync, fsyncSync, openSync } from 'node:fs';

/**
 * Makes an empty file, mode 0600, unless it is there. A file that exists is not even opened: closing it would drop
 * the locks that this process holds on it (POSIX, fcntl). @throws the system's error
 */
export function makePrivateFile(file: string): void {
  try {
    const descriptor = openSync(file, 'wx', 0o600);
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
