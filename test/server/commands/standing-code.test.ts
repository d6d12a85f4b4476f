import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { decodeJoinCode } from '../../../core/identity/join-code.js';
import { invitationKey } from '../../../server/discovery/invitations.js';
import { JOIN_CODE_LIMITS, keepJoinCode } from '../../../server/commands/standing-code.js';
import type { StandingCodeOptions } from '../../../server/commands/standing-code.js';
import { drawAuthority } from '../../identities.js';
import { temporaryFolder, temporaryStore } from '../discovery/fixture.js';

async function options(t: ExecutionContext): Promise<StandingCodeOptions> {
  return {
    file: path.join(await temporaryFolder(t), 'join-code'),
    store: await temporaryStore(t),
    authority: await drawAuthority(),
    addresses: ['127.0.0.1:7611'],
    now: new Date('2026-01-01'),
  };
}

const secretOf = (text: string): string => Buffer.from(decodeJoinCode(text).secret).toString('hex');

test('a reusable code stays the same while it stands, wherever the servers are by then', async (t) => {
  const first = await options(t);
  const made = await keepJoinCode(first);
  t.is(made.expiresAt.getTime(), first.now.getTime() + JOIN_CODE_LIMITS.reusableMs);
  t.is((await readFile(first.file, 'utf8')).trim(), made.text);
  t.is((await stat(first.file)).mode & 0o777, 0o600);
  t.deepEqual(await keepJoinCode(first), made);
  const moved = await keepJoinCode({ ...first, addresses: ['192.168.1.5:7611', '192.168.1.5:7613'] });
  t.is(secretOf(moved.text), secretOf(made.text));
  t.deepEqual(decodeJoinCode(moved.text).addresses, ['192.168.1.5:7611', '192.168.1.5:7613']);
  t.is((await readFile(first.file, 'utf8')).trim(), moved.text);
});

test('a new one takes its place when it expired, was withdrawn, damaged, or is another cloud’s', async (t) => {
  const first = await options(t);
  const made = await keepJoinCode(first);
  const late = { ...first, now: made.expiresAt };
  const renewed = await keepJoinCode(late);
  t.not(secretOf(renewed.text), secretOf(made.text));
  await first.store.transact(
    [],
    [{ type: 'delete', key: invitationKey(decodeJoinCode(renewed.text).secret) }],
  );
  const replaced = await keepJoinCode(late);
  t.not(secretOf(replaced.text), secretOf(renewed.text));
  await writeFile(first.file, `${replaced.text.slice(0, -3)}aaa\n`);
  const repaired = await keepJoinCode(late);
  t.not(secretOf(repaired.text), secretOf(replaced.text));
  const moved = await keepJoinCode({ ...late, authority: await drawAuthority() });
  t.not(secretOf(moved.text), secretOf(repaired.text));
});

test('a code of a large cloud names as many servers as its contract allows', async (t) => {
  const first = await options(t);
  const addresses = Array.from({ length: 40 }, (_, index) => `127.0.0.1:${7000 + index}`);
  const { text } = await keepJoinCode({ ...first, addresses });
  t.deepEqual(decodeJoinCode(text).addresses, addresses.slice(0, JOIN_CODE_LIMITS.addressesMax));
});
