/** glimpse-server invite: a join code for the cloud that runs on a folder of this machine. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { EXIT } from '../../core/rpc/errors.js';
import { MemberState } from '../../gen/glimpse/v1/election_pb.js';
import { openCluster } from '../cluster.js';
import { invitationSecretBytes, invite as putInvitation } from '../discovery/invitations.js';
import { listMembers } from '../election/address-book.js';
import { openStore } from '../store/open.js';
import type { StorePlace } from '../store/open.js';
import type { Store } from '../store/store.js';
import { CommandFailed, writeJson } from './outside.js';
import type { Outside } from './outside.js';
import { joinCode } from './standing-code.js';

export interface InviteOptions {
  readonly data: string;
  readonly storePlace: StorePlace;
  readonly uses: number;
  readonly expiresMs: number;
  /** The only name it admits; empty: any. */
  readonly name: string;
  readonly json: boolean;
}

/** @throws CommandFailed, StoreUnavailable, BadCluster */
export async function invite(options: InviteOptions, outside: Outside): Promise<void> {
  await checkThere(options.data);
  const store = await openStore(options.storePlace, () => undefined);
  try {
    await print(options, outside, store);
  } finally {
    await store.close();
  }
}

/** A folder that is not a cloud's must not become one by asking for a code. */
async function checkThere(data: string): Promise<void> {
  const isThere = await stat(path.join(data, 'cluster')).then(
    () => true,
    () => false,
  );
  if (!isThere) throw notRunning(`There is no cloud in ${data}`);
}

async function print(options: InviteOptions, { out, now }: Outside, store: Store): Promise<void> {
  const { data, uses, expiresMs, name, json } = options;
  const addresses = (await listMembers(store))
    .filter(({ member }) => member?.state !== MemberState.LEFT)
    .map(({ enrolmentAddress }) => enrolmentAddress)
    .filter((address) => address !== '');
  if (addresses.length === 0) throw notRunning(`No server of the cloud in ${data} runs`);
  const { authority } = await openCluster(path.join(data, 'cluster'));
  const secret = randomBytes(invitationSecretBytes);
  const expiresAt = new Date(now().getTime() + expiresMs);
  await putInvitation(store, secret, {
    uses,
    expiresAtMs: expiresAt.getTime(),
    ...(name !== '' && { name }),
  });
  const code = joinCode(authority, addresses, secret, name);
  if (json) writeJson(out, { joinCode: code, uses, expiresAt, name: name === '' ? null : name });
  else out.write(`${code}\n${terms(options, expiresAt)}\n`);
}

function terms({ uses, name }: InviteOptions, expiresAt: Date): string {
  const times = uses === 1 ? 'Works once' : `Works ${uses} times`;
  return `${times}, until ${expiresAt.toISOString()}${name === '' ? '' : `, for the name ${name} alone`}.`;
}

function notRunning(what: string): CommandFailed {
  return new CommandFailed(
    `${what}: start it with npm start, or say with --data where it is.`,
    EXIT.unreachable,
  );
}
