/**
 * Where passphrases come from: a file that the environment names, a terminal that does not show what is typed, or a
 * line of standard input. Never an argument: those are seen by whoever lists processes.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Writable, addAbortSignal } from 'node:stream';
import type { Readable } from 'node:stream';
import { locked } from '../vault/failures.js';
import type { Vault } from '../vault/vault.js';
import { NotJoined } from '../engine.js';
import { Cannot, Usage } from './failure.js';

export interface Asking {
  /** Holds the passphrase of the vault, if the user named one. */
  readonly file: string | undefined;
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: { write(text: string): unknown };
  readonly signal: AbortSignal;
  /** Ctrl-C in a terminal that is listened to key by key. */
  readonly interrupt: () => void;
}

/** Fewer can be guessed at any cost of a guess. */
const lettersMin = 8;
/** What is read of a file or of standard input: a page is not a passphrase, and a device has no end. */
const bytesMax = 1_024;

/** Opens the keys of a vault that is under a passphrase. @throws Cannot; Usage; VaultError */
export async function unlock({ identity, home }: Vault, asking: Asking): Promise<void> {
  if (!identity.wrapped) return;
  const { file, input } = asking;
  if (file !== undefined && file !== '') await identity.unlock(await readFrom(file, asking));
  else if (input.isTTY) await identity.unlock(await typed('passphrase: ', asking));
  else throw locked(home.folder);
}

/** @throws NotJoined; Usage; VaultError */
export async function protect({ identity }: Vault, how: 'set' | 'remove', asking: Asking): Promise<void> {
  if (!identity.get()?.membership) throw new NotJoined();
  await identity.protect(how === 'remove' ? undefined : await fresh(asking));
}

async function fresh(asking: Asking): Promise<string> {
  const { input, signal } = asking;
  const chosen = input.isTTY
    ? await typed('new passphrase: ', asking)
    : await lineOf(addAbortSignal(signal, input), 'standard input');
  if (chosen.length < lettersMin)
    throw new Usage(
      `this passphrase is too short: give at least ${lettersMin} characters, better several words`,
    );
  if (input.isTTY && (await typed('the same again: ', asking)) !== chosen)
    throw new Usage('the two are not the same: nothing was changed, repeat the command');
  return chosen;
}

async function readFrom(file: string, { signal }: Asking): Promise<string> {
  try {
    return await lineOf(createReadStream(file, { end: bytesMax, signal }), file);
  } catch (error) {
    if (error instanceof Usage) throw error;
    const next = 'check GLIMPSE_PASSPHRASE_FILE';
    throw new Cannot(
      'VAULT_LOCKED',
      `no passphrase can be read from ${file}: ${(error as Error).message}`,
      next,
    );
  }
}

/** The one line of a text. @throws Usage */
async function lineOf(stream: Readable, where: string): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream as AsyncIterable<Buffer | string>) {
    pieces.push(Buffer.from(piece));
    bytes += piece.length;
    if (bytes > bytesMax) break;
  }
  const line = Buffer.concat(pieces)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (bytes <= bytesMax && line !== '' && !line.includes('\n')) return line;
  throw new Usage(`${where} is no passphrase: one line of at most ${bytesMax} bytes is read`);
}

/** What is typed, and shown nowhere. */
async function typed(question: string, { input, output, signal, interrupt }: Asking): Promise<string> {
  const ended = new AbortController();
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: unseen, terminal: true });
  lines.once('SIGINT', interrupt);
  lines.once('close', () => ended.abort());
  output.write(question);
  try {
    return await lines.question('', { signal: AbortSignal.any([signal, ended.signal]) });
  } catch (cause) {
    throw signal.aborted
      ? cause
      : new Cannot('VAULT_LOCKED', 'no passphrase was typed', 'repeat the command');
  } finally {
    output.write('\n');
    lines.close();
  }
}
