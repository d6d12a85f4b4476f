/** Invitations: rows that let newcomers in, kept under a digest of their secret. docs/protocol.md, "Enrolment". */
import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { InvitationRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import { StoreUnavailable } from '../store/store.js';
import type { Store } from '../store/store.js';

export interface Invitation {
  /** How many names it admits; absent: any number. */
  readonly uses?: number;
  /** Until when, Unix time; absent: for ever. */
  readonly expiresAtMs?: number;
  /** The only name it admits; absent: any. */
  readonly name?: string;
}

/** 128 bits: nobody guesses one, and more would only lengthen the join code. */
export const invitationSecretBytes = 16;

export function invitationKey(secret: Uint8Array): string {
  return `invitation/${createHash('sha256').update(secret).digest('hex')}`;
}

/**
 * Puts an invitation into the store.
 * @param secret `invitationSecretBytes` random bytes, for the join code and nothing else
 * @throws StoreUnavailable
 */
export async function invite(store: Store, secret: Uint8Array, invitation: Invitation): Promise<void> {
  const { uses, expiresAtMs, name } = invitation;
  const record = create(InvitationRecordSchema, {
    ...(uses !== undefined && { usesLeft: uses }),
    ...(expiresAtMs !== undefined && { expiresAt: timestampFromMs(expiresAtMs) }),
    ...(name !== undefined && { name }),
  });
  const key = invitationKey(secret);
  const value = toBinary(InvitationRecordSchema, record);
  const { ok } = await store.transact([{ key, revision: 0 }], [{ type: 'put', key, value }]);
  if (!ok) throw new StoreUnavailable('this invitation exists already: draw another secret');
}
