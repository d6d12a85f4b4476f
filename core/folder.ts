/**
 * Making folders. Node's own recursive mkdir never ends where a folder is there and nothing can be made in it, such
 * as /proc: it makes the parent again and again.
 */
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** Makes the folder and those above it, where they are missing; `mode` is that of the new ones. @throws the system's error */
export function makeFolder(folder: string, mode = 0o777): void {
  if (isFolder(folder)) return;
  const above = path.dirname(folder);
  if (above !== folder) makeFolder(above, mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}
