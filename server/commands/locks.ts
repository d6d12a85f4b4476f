/** Who works on a folder: one `cloud`, and one process for each server's id. */
import path from 'node:path';
import { makeFolder } from '../../core/folder.js';
import { holdLock } from '../../core/lock.js';
import type { Lock } from '../../core/lock.js';
import { EXIT } from '../../core/rpc/errors.js';
import { CommandFailed } from './outside.js';

/** @throws CommandFailed if a cloud runs there */
export function lockCloud(data: string): Lock {
  const lock = hold(data, 'cloud.lock');
  if (lock) return lock;
  throw new CommandFailed(
    `A cloud runs on ${data} already: stop it, or choose another folder with --data.`,
    EXIT.failed,
  );
}

/** @throws CommandFailed if a server of this id runs there */
export function lockServer(data: string, id: string): Lock {
  const lock = hold(path.join(data, 'locks'), `${id}.lock`);
  if (lock) return lock;
  throw new CommandFailed(
    `A server ${id} runs on ${data} already: stop it, or choose another --id or --data.`,
    EXIT.failed,
  );
}

/** Whether a server of this id runs there at the moment. */
export function isRunning(data: string, id: string): boolean {
  const lock = hold(path.join(data, 'locks'), `${id}.lock`);
  lock?.release();
  return lock === undefined;
}

function hold(folder: string, name: string): Lock | undefined {
  try {
    makeFolder(folder, 0o700);
    return holdLock(path.join(folder, name));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailed(
      `${folder} cannot be used: ${why}. Choose another folder with --data.`,
      EXIT.failed,
      {
        cause,
      },
    );
  }
}
