/** Only one `up` on a vault: it alone serves, attends and empties the outbox. */
import { holdLock } from '../../core/lock.js';
import type { Lock } from '../../core/lock.js';
import { VaultError, translating } from './failures.js';
import { makeHome } from './home.js';

/** Held until released, or until the process ends in whatever way. @throws VaultError (in-use) */
export function lockUp(folder: string): Lock {
  const home = makeHome(folder);
  const lock = translating(folder, () => holdLock(home.upLock));
  if (lock) return lock;
  throw new VaultError(
    'in-use',
    `\`glimpse up\` already runs on the vault in ${folder}: stop it first, or set GLIMPSE_HOME to another folder`,
  );
}
