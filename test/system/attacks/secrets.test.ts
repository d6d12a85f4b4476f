/** What someone else on the same computer can see of everybody's processes, what they print, and their files. */
import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { TestFn } from 'ava';
import anyTest from 'ava';
import { openVault } from '../../../client/vault/vault.js';
import { privateBytes } from '../../../core/identity/keys.js';
import { decodeJoinCode } from '../../../core/identity/join-code.js';
import { readRights } from '../../../core/rights/signed.js';
import type { Person } from '../../../demo/person.js';
import { Cast } from '../../client/cast.js';
import { answer } from '../household.js';
import { attackerFrom } from './attacker.js';
import { clusterOf, openHouse, viewedBy } from './house.js';
import type { House } from './house.js';

const test = anyTest as TestFn<House>;

test.before(async (t) => {
  const cast = await Cast.gather();
  t.context = { cast } as House;
  t.context = await openHouse(cast, 2, 4);
});
test.after.always((t) => t.context.cast.leave());

/** Everything in a vault that opens or signs something. */
function keysIn(person: Person): Uint8Array[] {
  const { keys } = attackerFrom(person);
  const vault = openVault(person.home);
  try {
    const held = vault.held.list().flatMap(({ grantId, signedRights }) => {
      const ahead = vault.prepaid.next(grantId, readRights(signedRights).sealId);
      return ahead ? [ahead.cloudKey] : [];
    });
    const hidden = vault.given
      .list()
      .flatMap(({ current }) => vault.carriers.get(readRights(current!).sealId)?.fileKey ?? []);
    return [
      privateBytes(keys.signing),
      privateBytes(keys.agreement),
      vault.identity.get()!.imageKey,
      ...held,
      ...hidden,
    ];
  } finally {
    vault.close();
  }
}

/** A secret as it might be written, in whatever way. */
function formsOf(secret: Uint8Array): string[] {
  const forms = (['hex', 'base64', 'base64url', 'latin1'] as const).map((form) =>
    Buffer.from(secret).toString(form).replace(/=+$/, ''),
  );
  return [...forms, forms[0]!.toUpperCase(), [...secret].join(',')];
}

const find = (secrets: readonly string[], texts: ReadonlyMap<string, string>): string[] =>
  [...texts].flatMap(([where, text]) => (secrets.some((secret) => text.includes(secret)) ? [where] : []));

/** The command lines of all processes, by their numbers. */
async function commandLines(): Promise<Map<string, string>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = (pid: string) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
  return new Map(await Promise.all(pids.map(async (pid) => [pid, await read(pid)] as const)));
}

async function textsIn(folder: string): Promise<[string, string][]> {
  const names = await readdir(folder);
  return Promise.all(
    names.map(async (name) => [name, await readFile(path.join(folder, name), 'latin1')] as [string, string]),
  );
}

/** Whatever is in a folder and is not for its owner alone. */
async function open(folder: string): Promise<string[]> {
  const names = ['', ...(await readdir(folder, { recursive: true }))];
  const modes = await Promise.all(
    names.map(async (name) => [name, (await stat(path.join(folder, name))).mode & 0o077] as const),
  );
  return modes.filter(([, others]) => others !== 0).map(([name, others]) => `${name}: ${others.toString(8)}`);
}

test.serial('another user of the same computer: sees no key, no code and no photo', async (t) => {
  const house = t.context;
  const { alice, bob, cast, photo, received } = house;
  await answer(alice, 'rights', 'bob', photo, '--mode', 'prepaid', '--batch', '3');
  await answer(bob, 'prepay', received.grant, '2');
  await bob.start([]);
  t.like(await viewedBy(bob, received.grant), { shown: 'photo' });

  const carol = cast.person('carol');
  const joining = carol.begin(['join', '-', '--name', 'carol', '--json']);
  const whileJoining = commandLines();
  joining.stdin.write(cast.joinCode);
  const lines = await whileJoining;
  joining.kill('SIGKILL');
  t.true(
    [...lines.values()].some((line) => line.includes('join\0-\0')),
    'it was looked at',
  );

  const { recovery } = (await carol.glimpse(['join', '-', '--name', 'carol'], cast.joinCode)).result as {
    recovery: string;
  };
  const { secrets, authority } = await clusterOf(house);
  const keys = [
    ...secrets.values(),
    privateBytes(authority.privateKey),
    ...[alice, bob, carol].flatMap(keysIn),
  ];
  t.true(keys.length >= 2 + 3 * 3 + 2, 'those of the prepaid view and of the photo are among them');
  const never = [...keys.flatMap(formsOf), recovery];
  const codes = [cast.joinCode, ...formsOf(decodeJoinCode(cast.joinCode).secret)];
  t.deepEqual(find([...never, ...codes], await commandLines()), [], 'in a command line');
  t.deepEqual(find(codes, lines), [], 'in the command line of who joins');

  const printed = new Map(await textsIn(path.join(cast.folder, 'logs')));
  const said = async (person: Person, words: readonly string[], input = ''): Promise<void> => {
    const { out, err } = await person.run(words, input);
    printed.set(words.join(' '), out + err);
  };
  for (const command of ['status', 'inbox', 'shared', 'peers']) await said(alice, [command]);
  await said(bob, ['log', received.grant, '--verify', '--json']);
  await said(
    cast.person('dora'),
    ['join', '-', '--name', 'alice', '--recover', 'no-such-code'],
    cast.joinCode,
  );
  await said(cast.person('dora'), ['join', '-', '--name', 'dora'], cast.joinCode.slice(0, -1));
  await said(bob, ['join', '-', '--name', 'alice'], cast.joinCode);
  t.true([...printed.values()].filter((text) => text !== '').length > 8);
  t.deepEqual(find(never, printed), [], 'printed');
  printed.delete('cloud.out');
  t.deepEqual(find(codes, printed), [], 'printed but where the code is given out');

  for (const folder of [cast.data, alice.home, bob.home, carol.home]) {
    t.deepEqual(await open(folder), [], folder);
  }
  t.true((await stat(path.join(bob.home, 'control', 'socket'))).isSocket());
});
