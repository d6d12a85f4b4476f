/** Where a passphrase is taken from: a file, a terminal, standard input; and what is said when there is none. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { Cannot, Usage } from '../../../client/commands/failure.js';
import type { Asking } from '../../../client/commands/passphrases.js';
import { protect, unlock } from '../../../client/commands/passphrases.js';
import { NotJoined } from '../../../client/engine.js';
import { VaultError } from '../../../client/vault/failures.js';
import { openVault } from '../../../client/vault/vault.js';
import type { Vault } from '../../../client/vault/vault.js';
import { membership, ownKeys, temporaryFolder, temporaryVault } from '../vault/samples.js';

const passphrase = 'correct horse battery staple';

async function joined(t: ExecutionContext): Promise<Vault> {
  const vault = await temporaryVault(t);
  vault.identity.create(ownKeys(), 'code');
  vault.identity.join(membership('alice'));
  return vault;
}

/** As a new process has it. */
function again(t: ExecutionContext, { home }: Vault): Vault {
  const vault = openVault(home.folder);
  t.teardown(() => vault.close());
  return vault;
}

function piped(text: string | Buffer, file?: string): Asking {
  const { signal } = new AbortController();
  const output = { write: () => undefined };
  return { file, input: Readable.from([Buffer.from(text)]), output, signal, interrupt: () => undefined };
}

/** A person at a terminal who answers every question with the next of these keystrokes. */
function terminal(...answers: string[]): Asking & { readonly shown: () => string } {
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const ending = new AbortController();
  let shown = '';
  const write = (text: string) => {
    shown += text;
    if (text.endsWith(': ')) setImmediate(() => input.write(answers.shift()));
  };
  return {
    ...{ file: undefined, input, output: { write }, signal: ending.signal },
    interrupt: () => ending.abort(),
    shown: () => shown,
  };
}

test('typed twice in a terminal that shows nothing of it, then once to open', async (t) => {
  const vault = await joined(t);
  const setting = terminal(`${passphrase}\r`, `${passphrase}\r`);
  await protect(vault, 'set', setting);
  t.is(setting.shown(), 'new passphrase: \nthe same again: \n');
  const other = again(t, vault);
  const opening = terminal(`${passphrase}\r`);
  await unlock(other, opening);
  t.is(opening.shown(), 'passphrase: \n');
  t.truthy(other.identity.get());
});

test('a slip in the terminal changes nothing', async (t) => {
  const vault = await joined(t);
  await t.throwsAsync(protect(vault, 'set', terminal(`${passphrase}\r`, 'something else\r')), {
    instanceOf: Usage,
    message: /not the same/,
  });
  await t.throwsAsync(protect(vault, 'set', terminal('short\r')), {
    instanceOf: Usage,
    message: /at least 8/,
  });
  await t.throwsAsync(protect(vault, 'set', terminal('\u0004')), { instanceOf: Cannot });
  const interrupted = terminal('\u0003');
  await t.throwsAsync(protect(vault, 'set', interrupted));
  t.true(interrupted.signal.aborted);
  t.false(vault.identity.wrapped);
});

test('read from standard input, opened and removed with a file', async (t) => {
  const vault = await joined(t);
  await protect(vault, 'set', piped(`${passphrase}\n`));
  const file = path.join(await temporaryFolder(t), 'passphrase');
  await writeFile(file, passphrase);
  const other = again(t, vault);
  await unlock(other, piped('', file));
  await protect(other, 'remove', piped(''));
  t.false(vault.identity.wrapped);
  await unlock(again(t, vault), piped('', '/nowhere'));
  t.pass('a vault without a passphrase asks for none');
});

test('what is no passphrase is refused, and so is a vault that has not joined', async (t) => {
  const vault = await joined(t);
  for (const bad of ['', '\n', 'two\nlines of text', 'short', Buffer.alloc(1_025, 'x')])
    await t.throwsAsync(protect(vault, 'set', piped(bad)), { instanceOf: Usage });
  t.false(vault.identity.wrapped);
  await t.throwsAsync(protect(await temporaryVault(t), 'set', piped(passphrase)), { instanceOf: NotJoined });
});

test('without a file and a terminal the message says what to do; a file may be missing or endless', async (t) => {
  const vault = await joined(t);
  await protect(vault, 'set', piped(passphrase));
  const other = again(t, vault);
  const error = await t.throwsAsync(unlock(other, piped(passphrase)), { instanceOf: VaultError });
  t.is(error.problem, 'locked');
  t.regex(error.message, /GLIMPSE_PASSPHRASE_FILE/);
  const missing = await t.throwsAsync(unlock(other, piped('', '/nowhere')), { instanceOf: Cannot });
  t.is(missing.reason, 'VAULT_LOCKED');
  await t.throwsAsync(unlock(other, piped('', '/dev/zero')), { instanceOf: Usage });
});
