/**
 * Whose a loopback connection is: other users of this computer may see the address of a view in the arguments of a
 * browser. Linux alone tells; elsewhere nothing is known, and the address is all that protects a view.
 */
import { readFileSync } from 'node:fs';

export interface Connection {
  readonly from: number;
  readonly to: number;
}

/** The users, by number, of all connections between these ports that a table lists: proc(5), "/proc/net/tcp". */
export function usersIn(table: string, { from, to }: Connection): number[] {
  const lines = table.split('\n').map((line) => line.trim().split(/\s+/));
  return lines.flatMap(([, local = '', remote = '', , , , , user]) =>
    portOf(local) === from && portOf(remote) === to ? [Number(user)] : [],
  );
}

/** Whether another user, who is not the computer's administrator, is at the other end, as far as the system tells. */
export function isAnothers(connection: Connection): boolean {
  const self = process.getuid?.();
  if (self === undefined) return false;
  const users = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => usersIn(read(file), connection));
  return users.some((user) => user !== self && user !== 0);
}

const portOf = (address: string): number => Number.parseInt(address.split(':')[1] ?? '', 16);

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
