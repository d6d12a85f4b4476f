/**
 * Links our own commands into node_modules/.bin, so that `npx glimpse` works in a checkout. npm links the
 * commands of dependencies only; without the link, npx would ask the registry for a package of that name.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const bin = path.join(root, 'node_modules', '.bin');
const commands = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).bin;

if (process.platform !== 'win32' && existsSync(path.join(root, 'node_modules'))) {
  mkdirSync(bin, { recursive: true });
  for (const [name, file] of Object.entries(commands)) {
    rmSync(path.join(bin, name), { force: true });
    symlinkSync(path.join('..', '..', file), path.join(bin, name));
  }
}
