/** An sshd of our own on loopback, and scp to it. It wants root, as sshd does. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Run } from '../harness/case.js';

const execute = promisify(execFile);
const sshd = '/usr/sbin/sshd';

/** Copies a file there. */
export type Copy = (file: string) => Promise<void>;

/** @returns a sentence why not, if it cannot be */
export async function startScp(run: Run): Promise<Copy | string> {
  if (!existsSync(sshd)) return 'sshd is not installed. To compare with scp: Debian’s openssh-server.';
  if (process.getuid?.() !== 0) return 'sshd wants root. To compare with scp: be root.';
  const folder = path.join(run.folder, 'ssh');
  mkdirSync(folder, { mode: 0o700 });
  mkdirSync('/run/sshd', { recursive: true });
  for (const name of ['host', 'user']) {
    await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, name)]);
  }
  const port = await freePort();
  writeFileSync(
    path.join(folder, 'config'),
    [
      `HostKey ${folder}/host`,
      `AuthorizedKeysFile ${folder}/user.pub`,
      'ListenAddress 127.0.0.1',
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin prohibit-password',
      'Subsystem sftp internal-sftp',
      `PidFile ${folder}/pid`,
      '',
    ].join('\n'),
  );
  const listening = spawn(sshd, ['-D', '-e', '-p', String(port), '-f', path.join(folder, 'config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  run.atEnd(() => listening.kill());
  // It says so when it listens, and goes on saying what happens.
  await once(listening.stderr, 'data');
  listening.stderr.resume();
  const copy: Copy = async (file) => {
    await execute('scp', [
      ...['-q', '-P', String(port), '-i', path.join(folder, 'user')],
      ...['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'],
      ...[file, `${os.userInfo().username}@127.0.0.1:${folder}/copy`],
    ]);
  };
  const probe = path.join(folder, 'config');
  return copy(probe).then(
    () => copy,
    (error: unknown) => `scp to an sshd of our own failed (${String(error).split('\n').at(-2) ?? ''}).`,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
