import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { commands } from '../../../client/commands/all.js';
import { Cannot, Usage, failureOf } from '../../../client/commands/failure.js';
import { NotJoined } from '../../../client/engine.js';
import { VaultError } from '../../../client/vault/failures.js';
import { FormatError } from '../../../core/format-error.js';
import type { ExitCode, Refusal } from '../../../core/rpc/errors.js';
import { REFUSALS, Refused, Unreachable } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';

const fails = test.macro({
  exec(t, error: unknown, reason: string, exit: ExitCode) {
    const failure = failureOf(error);
    t.is(failure.reason, reason);
    t.is(failure.exit, exit);
    t.true(failure.message.length > 0);
  },
  title: (_, error, reason: string, exit: ExitCode) => `${String(error)}: ${reason}, exit ${exit}`,
});

test(fails, new Refused(Reason.VIEWS_SPENT, 'no views left'), 'VIEWS_SPENT', 3);
test(fails, new Refused(Reason.UNKNOWN_PEER, 'no bob'), 'UNKNOWN_PEER', 4);
test(fails, new Refused(Reason.NAME_TAKEN, 'taken'), 'NAME_TAKEN', 6);
test(fails, new Refused(Reason.NOT_ADMITTED, 'knocked'), 'NOT_ADMITTED', 6);
test(fails, new Unreachable('nobody answers'), 'UNREACHABLE', 5);
test(fails, new FormatError('png', 'a chunk is broken'), 'DAMAGED', 1);
test(fails, new FormatError('join-code', 'a slip'), 'BAD_JOIN_CODE', 6);
test(fails, new FormatError('recovery-code', 'a slip'), 'BAD_RECOVERY_CODE', 6);
test(fails, new NotJoined(), 'NOT_JOINED', 1);
test(fails, new VaultError('read-only', 'cannot be written'), 'VAULT_READ_ONLY', 1);
test(fails, new Usage('what?'), 'USAGE', 2);
test(fails, new Cannot('LOG_BROKEN', 'rewritten', 'keep it'), 'LOG_BROKEN', 1);
test(fails, Object.assign(new Error('no space'), { code: 'ENOSPC' }), 'ENOSPC', 1);
test(fails, new TypeError('a bug'), 'INTERNAL', 1);
test(fails, 'a string', 'INTERNAL', 1);

for (const code of ['ENOENT', 'EISDIR', 'EROFS', 'ENOSPC']) {
  test(`${code} of the system comes with what to do next`, (t) => {
    t.not(failureOf(Object.assign(new Error('open'), { code })).next, '');
  });
}

test('what the system refused is said in words, with the path that was given', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'glimpse-failure-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const missing = path.join(folder, 'nowhere', 'log.json');
  const error = await t.throwsAsync(writeFile(missing, ''));
  t.is(failureOf(error).message, `${missing}: there is no such file, or no such folder.`);
  const aFolder = await t.throwsAsync(writeFile(folder, ''));
  t.is(failureOf(aFolder).message, `${folder}: it is a folder.`);
});

test('what a command knows better is said instead', (t) => {
  const refused = new Refused(Reason.UNKNOWN_PHOTO, 'no beach.jpg');
  t.is(failureOf(refused, { UNKNOWN_PHOTO: 'look again' }).next, 'look again');
  t.is(failureOf(refused, { UNKNOWN_GRANT: 'look again' }).next, failureOf(refused).next);
});

for (const { name, advice = {} } of commands) {
  test(`the advice of ${name} is about reasons that there are`, (t) => {
    t.deepEqual(
      Object.keys(advice).filter((reason) => !(reason in Reason) && reason !== 'DAMAGED'),
      [],
    );
  });
}

test('whatever is refused comes with what to do next, but for what only programs get wrong', (t) => {
  const silent = Object.values(Reason)
    .filter((reason): reason is Refusal => typeof reason === 'number' && reason in REFUSALS)
    .filter((reason) => failureOf(new Refused(reason, 'no')).next === '')
    .map((reason) => Reason[reason]);
  t.deepEqual(silent, [
    'INVALID_REQUEST',
    'WRONG_ROLE',
    'UNKNOWN_VIEW',
    'RIGHTS_CHANGED_IDENTITY',
    'GRANT_EXISTS',
    'BAD_STREAM',
    'LIMIT_EXCEEDED',
    'INTERNAL',
  ]);
});
