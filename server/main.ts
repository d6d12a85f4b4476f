/** glimpse-server: one server, the whole cloud of this machine, join codes. */
import { CommanderError } from 'commander';
import { letHeapGrow } from '../core/heap.js';
import { EXIT, exitCodeOf } from '../core/rpc/errors.js';
import { CommandFailed } from './commands/outside.js';
import type { Outside } from './commands/outside.js';
import { serverProgram } from './commands/program.js';

/** One Ctrl-C arrives twice, from the terminal and from npm: only a later one is impatience. */
const impatientMs = 1000;

/** The first signal asks to stop in good order, a later one ends it at once. */
function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  let askedAtMs = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const nowMs = performance.now();
      if (stopping.signal.aborted && nowMs - askedAtMs > impatientMs) process.exit(EXIT.failed);
      if (!stopping.signal.aborted) askedAtMs = nowMs;
      stopping.abort();
    });
  }
  // Whoever read what it prints is gone, and would not see it go on.
  process.stdout.on('error', () => stopping.abort());
  process.stderr.on('error', () => undefined);
  // Started by `cloud`: whichever way that one ended, this one does too, and waits for nothing else from it.
  process.once('disconnect', () => stopping.abort());
  process.channel?.unref();
  return stopping.signal;
}

function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  process.stderr.write(`glimpse-server: ${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof CommandFailed ? error.exitCode : exitCodeOf(error);
}

letHeapGrow();

const outside: Outside = {
  out: process.stdout,
  err: process.stderr,
  now: () => new Date(),
  stop: stopSignal(),
  self: [process.execPath, ...process.execArgv, import.meta.filename],
};

// Each command loads what it needs: a server takes a second of a slow machine, help should not.
const program = serverProgram({
  run: async (options) => (await import('./commands/run.js')).run(options, outside),
  cloud: async (options) => (await import('./commands/cloud.js')).cloud(options, outside),
  invite: async (options) => (await import('./commands/invite.js')).invite(options, outside),
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCode(error);
}
