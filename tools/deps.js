/**
 * Runs dependency-cruiser and insists that it saw every source file. On its own it passes with "no violations"
 * when it saw none, as it does with a TypeScript version it cannot load.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const folders = ['core', 'server', 'client', 'bench', 'demo', 'test', 'gen'].filter((folder) =>
  existsSync(path.join(root, folder)),
);

const sources = folders
  .flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
      path.posix.join(folder, file.split(path.sep).join('/')),
    ),
  )
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));

const cli = path.join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
const json = execFileSync(process.execPath, [cli, '--output-type', 'json', ...folders], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 256 * 1024 * 1024,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const { modules, summary } = JSON.parse(json);

for (const { rule, from, to, cycle, via } of summary.violations) {
  const route = (cycle ?? via ?? []).map((step) => step.name);
  const target = route.length > 0 ? route.join(' -> ') : to;
  console.error(`${rule.severity} ${rule.name}: ${from}${target === from ? '' : ` -> ${target}`}`);
}

const seen = new Set(modules.map((module) => module.source));
const missed = sources.filter((file) => !seen.has(file));
for (const file of missed) console.error(`error not-cruised: ${file}`);

console.log(`${sources.length - missed.length} of ${sources.length} source files, ${summary.error} errors`);
if (summary.error > 0 || missed.length > 0 || sources.length === 0) process.exitCode = 1;
