/**
 * Where the control socket of a home is: docs/architecture.md, "The control socket". In a folder of its own, 0700,
 * so that nobody else can reach it even while it is being made. The path of a Unix socket is short by decree of
 * the system; a home with a longer one has its socket in a private folder elsewhere, and a file that says where.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeFolder } from '../../core/folder.js';
import { WEB_LIMITS } from './limits.js';

const folderOf = (home: string) => path.join(home, 'control');
const pointerOf = (home: string) => path.join(folderOf(home), 'elsewhere');

/** Where the socket of this home would be, as far as anything there says. */
export function socketPath(home: string): string {
  try {
    return readFileSync(pointerOf(home), 'utf8');
  } catch {
    return path.join(folderOf(home), 'socket');
  }
}

/** Makes room for the socket and removes one that was left behind. For the holder of the home's lock alone. */
export function makeSocketPath(home: string): string {
  removeSocketPath(home);
  const folder = folderOf(home);
  makeFolder(folder, 0o700);
  chmodSync(folder, 0o700);
  const near = path.join(folder, 'socket');
  if (Buffer.byteLength(near) <= WEB_LIMITS.socketPathBytesMax) return near;
  const elsewhere = path.join(mkdtempSync(path.join(shortFolder(), 'glimpse-')), 'socket');
  writeFileSync(pointerOf(home), elsewhere, { mode: 0o600 });
  return elsewhere;
}

/** Removes what makeSocketPath made. */
export function removeSocketPath(home: string): void {
  const socket = socketPath(home);
  rmSync(socket, { force: true });
  if (path.dirname(socket) !== folderOf(home)) rmSync(path.dirname(socket), { recursive: true, force: true });
  rmSync(pointerOf(home), { force: true });
}

/** A folder for temporary files whose path leaves room for ours. */
function shortFolder(): string {
  const chosen = process.env['XDG_RUNTIME_DIR'] ?? tmpdir();
  const fits =
    Buffer.byteLength(path.join(chosen, 'glimpse-XXXXXX', 'socket')) <= WEB_LIMITS.socketPathBytesMax;
  return fits ? chosen : path.join(path.parse(chosen).root, 'tmp');
}
