/**
 * Removes compiled files whose source is gone. tsc never does, so a renamed test would go on running under its
 * old name, and an import of a deleted file would go on working until the next fresh clone.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const dist = path.join(root, 'dist');

const compiled = existsSync(dist) ? readdirSync(dist, { recursive: true, encoding: 'utf8' }) : [];
for (const file of compiled) {
  const stem = /^(.*)\.js(?:\.map)?$/.exec(file)?.[1];
  if (stem !== undefined && !existsSync(path.join(root, `${stem}.ts`))) rmSync(path.join(dist, file));
}
