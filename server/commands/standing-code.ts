/**
 * The reusable join code of a cloud: kept in a file beside its data, the same for as long as its invitation
 * stands, with the addresses as they are now. docs/format.md, "Join code".
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { FormatError } from '../../core/format-error.js';
import { authorityFingerprint } from '../../core/identity/certificates.js';
import type { Authority } from '../../core/identity/certificates.js';
import { decodeJoinCode, encodeJoinCode } from '../../core/identity/join-code.js';
import { InvitationRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import { invitationKey, invitationSecretBytes, invite } from '../discovery/invitations.js';
import type { Store } from '../store/store.js';

export const JOIN_CODE_LIMITS = {
  /** Of a reusable code. Longer keeps what was pasted into old mails working, for whoever finds it. */
  reusableMs: 30 * 86_400_000,
  /** Addresses in a code, as its contract has it. */
  addressesMax: 16,
} as const;

export interface StandingCodeOptions {
  readonly file: string;
  readonly store: Store;
  readonly authority: Authority;
  /** Where newcomers enrol, host:port. */
  readonly addresses: readonly string[];
  readonly now: Date;
}

export interface StandingCode {
  readonly text: string;
  readonly expiresAt: Date;
}

interface Invited {
  readonly secret: Uint8Array;
  readonly expiresAt: Date;
}

/** The code in the file, or a new one in its place. @throws StoreUnavailable */
export async function keepJoinCode(options: StandingCodeOptions): Promise<StandingCode> {
  const { secret, expiresAt } = (await standing(options)) ?? (await inviteAll(options));
  const text = joinCode(options.authority, options.addresses, secret, '');
  await write(options.file, `${text}\n`);
  return { text, expiresAt };
}

/** A code for an invitation. `name` is the only one it admits, or empty. */
export function joinCode(
  authority: Authority,
  addresses: readonly string[],
  secret: Uint8Array,
  name: string,
): string {
  return encodeJoinCode({
    addresses: addresses.slice(0, JOIN_CODE_LIMITS.addressesMax),
    caFingerprint: authorityFingerprint(authority.certificate),
    secret,
    name,
  });
}

async function standing({ file, store, authority, now }: StandingCodeOptions): Promise<Invited | undefined> {
  const written = await read(file);
  if (!written || !sameBytes(written.caFingerprint, authorityFingerprint(authority.certificate)))
    return undefined;
  const row = await store.get(invitationKey(written.secret));
  const expires = row && fromBinary(InvitationRecordSchema, row.value).expiresAt;
  if (!expires || timestampDate(expires) <= now) return undefined;
  return { secret: written.secret, expiresAt: timestampDate(expires) };
}

async function inviteAll({ store, now }: StandingCodeOptions): Promise<Invited> {
  const secret = randomBytes(invitationSecretBytes);
  const expiresAt = new Date(now.getTime() + JOIN_CODE_LIMITS.reusableMs);
  await invite(store, secret, { expiresAtMs: expiresAt.getTime() });
  return { secret, expiresAt };
}

async function read(file: string): Promise<ReturnType<typeof decodeJoinCode> | undefined> {
  try {
    return decodeJoinCode(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof FormatError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all. */
async function write(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
