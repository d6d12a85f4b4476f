/**
 * glimpse: the client's commands. Each is performed by the `up` that runs on this vault, if one does, and otherwise
 * here, as far as it can be. The only file of the client that constructs.
 */
import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { letHeapGrow } from '../core/heap.js';
import { commands } from './commands/all.js';
import type { Chosen } from './commands/command-line.js';
import { parseLine } from './commands/command-line.js';
import type { Command } from './commands/command.js';
import { failureOf } from './commands/failure.js';
import { Others } from './commands/others.js';
import { performCommand, surroundingsOf } from './commands/perform.js';
import { Printer } from './commands/printer.js';
import { protect, unlock } from './commands/passphrases.js';
import type { Engine, Running } from './engine.js';
import { homeFolder } from './vault/home.js';
import type { Vault } from './vault/vault.js';
import { openBrowser } from './web/browser.js';
import type { Outcome, Typed } from './web/control.js';
import { performThere } from './web/control-client.js';
import { serveControl } from './web/control-server.js';
import { Showing } from './web/shown.js';

/** As a shell reports a program that was interrupted. */
const interruptedExit = 130;

letHeapGrow();
const home = homeFolder(process.env);
const ending = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => ending.abort());
process.stdout.on('error', () => process.exit(1));
process.stderr.on('error', () => undefined);
const interrupted = new Promise<undefined>((resolve) =>
  ending.signal.addEventListener('abort', () => resolve(undefined)),
);

const asking = {
  file: process.env['GLIMPSE_PASSPHRASE_FILE'],
  input: process.stdin,
  output: process.stderr,
  signal: ending.signal,
  interrupt: () => ending.abort(),
};

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  try {
    const chosen = parseLine(words, commands, version());
    if (!('said' in chosen)) return await run(chosen, await printerFor(chosen.json));
    process.stdout.write(chosen.said);
    return 0;
  } catch (error) {
    if (ending.signal.aborted) return interruptedExit;
    const failure = failureOf(error);
    (await printerFor(words.includes('--json'))).failure(failure);
    return failure.exit;
  }
}

function printerFor(json: boolean): Promise<Printer> {
  return Printer.on(json, process.stdout, process.stderr);
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function run({ command, typed }: Chosen, printer: Printer): Promise<number> {
  const whole = { ...(await withInput(typed)), folder: process.cwd(), room: printer.room };
  try {
    command.read(whole);
  } catch (error) {
    return finish(command, whole, { failure: failureOf(error, command.advice) }, printer);
  }
  if (command.stays) return stayUp(command, whole, printer);
  if (command.here) return performHere(command, whole, printer);
  const there = await Promise.race([
    performThere(home, command.name, whole, (told) => printer.hear(told, command), ending.signal),
    interrupted.then(() => ({})),
  ]);
  if (ending.signal.aborted) return interruptedExit;
  if (there) return finish(command, whole, there, printer);
  return performHere(command, whole, printer);
}

/**
 * A dash stands for standard input, so that a code need not be seen by whoever lists processes; several dashes for
 * its lines, one after the other.
 */
async function withInput({ arguments: words, options }: Chosen['typed']): Promise<Chosen['typed']> {
  const dashes = [...words, ...Object.values(options)].filter((value) => value === '-').length;
  if (dashes === 0) return { arguments: words, options };
  const input = (await readAll(process.stdin)).trim();
  const lines = dashes === 1 ? [input] : input.split('\n').map((line) => line.trim());
  const put = <Value>(value: Value) => (value === '-' ? (lines.shift() ?? '') : value);
  return {
    arguments: words.map(put),
    options: Object.fromEntries(Object.entries(options).map(([name, value]) => [name, put(value)])),
  };
}

async function performHere(command: Command, typed: Typed, printer: Printer): Promise<number> {
  const showing = new Showing();
  return withEngine(printer, async (engine, vault) => {
    const surroundings = {
      ...surroundingsOf(typed, showing, (told) => printer.hear(told, command), ending.signal),
      protect: (how: 'set' | 'remove') => protect(vault, how, asking),
    };
    const outcome = await Promise.race([performCommand(command, engine, typed, surroundings), interrupted]);
    if (!outcome) return interruptedExit;
    const exit = await finish(command, typed, outcome, printer);
    await Promise.race([showing.gone(), interrupted]);
    await showing.withdraw();
    return exit;
  });
}

/** What an engine needs is loaded here: a command that `up` performs starts several times faster without it. */
async function withEngine<Result>(
  printer: Printer,
  act: (engine: Engine, vault: Vault) => Promise<Result>,
): Promise<Result> {
  const [{ openVault }, { createEngine }] = await Promise.all([
    import('./vault/vault.js'),
    import('./create-engine.js'),
  ]);
  const vault = openVault(home);
  try {
    await unlock(vault, asking);
    const engine = createEngine({ vault, tell: (line) => printer.notice(line) });
    try {
      return await act(engine, vault);
    } finally {
      await engine.close();
    }
  } finally {
    vault.close();
  }
}

/** Prints how it ended. @returns the exit code */
async function finish(command: Command, typed: Typed, outcome: Outcome, printer: Printer): Promise<number> {
  const { result, failure } = outcome;
  if (result !== undefined) {
    printer.result(result, command);
    const address = typed.options['open'] === true ? command.address?.(result) : undefined;
    if (address !== undefined && !(await openBrowser(address))) {
      printer.notice(`no browser could be started: open ${address} yourself`);
    }
  }
  if (failure) printer.failure(failure);
  return failure?.exit ?? 0;
}

/** `up`: holds the vault, and performs the other commands, until it is interrupted or can no longer be up. */
async function stayUp(command: Command, typed: Typed, printer: Printer): Promise<number> {
  const { lockUp } = await import('./vault/lock.js');
  return withEngine(printer, async (engine) => {
    const lock = lockUp(home);
    const showing = new Showing();
    let running: Running | undefined;
    const surroundings = {
      ...surroundingsOf(typed, showing, (told) => printer.hear(told, command), ending.signal),
      stay: (started: Running) => (running = started),
    };
    try {
      const outcome = await Promise.race([performCommand(command, engine, typed, surroundings), interrupted]);
      if (!outcome || !running) return outcome ? await finish(command, typed, outcome, printer) : 0;
      const others = new Others(commands, engine, showing, () => ending.abort());
      const control = await serveControl(home, (name, asked, say, signal) =>
        others.perform(name, asked, say, signal),
      );
      await finish(command, typed, outcome, printer);
      const error = await Promise.race([running.ended, interrupted]);
      const left = await others.left;
      await control.close();
      if (!error || left) return 0;
      const failure = failureOf(error);
      printer.failure(failure);
      return failure.exit;
    } finally {
      await showing.withdraw();
      await running?.close();
      lock.release();
    }
  });
}
