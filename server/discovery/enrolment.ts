/**
 * The Enrolment service: a name for keys, and a certificate for both. What it writes is one transaction, so that
 * an invitation is used exactly as often as a name comes of it. docs/protocol.md, "Enrolment".
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Enrolment, JoinRequest } from '../../gen/glimpse/v1/enrolment_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { InvitationRecordSchema, NameRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import type { KeyBundle } from '../../gen/glimpse/v1/rights_pb.js';
import { FormatError } from '../../core/format-error.js';
import { cloudIdOf, issueCertificate, requestIsFor } from '../../core/identity/certificates.js';
import type { Authority } from '../../core/identity/certificates.js';
import { checkKeyBundle } from '../../core/identity/keys.js';
import { recoveryDigest } from '../../core/identity/recovery-code.js';
import { Refused } from '../../core/rpc/errors.js';
import type { Allowed, Handlers } from '../../core/rpc/method.js';
import { StoreUnavailable } from '../store/store.js';
import type { Compare, Row, Store, Write } from '../store/store.js';
import { admit } from './admission.js';
import type { Admission, Asked } from './admission.js';
import { NAMES, SESSIONS } from './directory.js';
import { invitationKey } from './invitations.js';

export interface EnrolmentOptions {
  readonly store: Store;
  readonly authority: Authority;
  /** Addresses of all servers, host:port, as clients are told. */
  readonly servers: () => readonly string[];
  readonly nowMs: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** A newcomer has no certificate, a client that let its own lapse shows none. */
export const ENROLMENT_CALLERS: Allowed<typeof Enrolment> = { join: ['anonymous'] };

export const ENROLMENT_LIMITS = {
  /** Compare-and-swap attempts: so many others may use the same invitation at the same moment. */
  attemptsMax: 64,
} as const;

export function enrolmentHandlers(options: EnrolmentOptions): Handlers<typeof Enrolment> {
  const { authority, servers, nowMs, randomBytes } = options;
  return {
    join: async (request) => {
      const asked = await check(request, nowMs());
      await register(options.store, asked);
      const certificate = await issueCertificate(authority, {
        role: 'client',
        name: request.name,
        signingKey: asked.keys.signingKey,
        nowMs: asked.nowMs,
        serial: randomBytes(16),
      });
      return {
        certificate,
        caCertificate: authority.certificate,
        cloudId: cloudIdOf(authority.certificate),
        servers: [...servers()],
        now: timestampFromMs(asked.nowMs),
      };
    },
  };
}

/** What the request itself must prove: that its sender holds the keys. */
async function check(request: JoinRequest, nowMs: number): Promise<Asked> {
  const keys = request.keys!; // required by its contract
  checkBundle(keys);
  if (!(await requestIsFor(request.certificateRequest, keys.signingKey))) {
    throw new Refused(
      Reason.INVALID_REQUEST,
      'The certificate request is not signed by the signing key: make it with the same keys.',
    );
  }
  return { request, keys, nowMs, recoveryDigest: digestOf(request.recoveryCode) };
}

function checkBundle(keys: KeyBundle): void {
  try {
    checkKeyBundle(keys);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new Refused(Reason.INVALID_REQUEST, error.message);
  }
}

function digestOf(code: string): Uint8Array | undefined {
  if (code === '') return undefined;
  try {
    return recoveryDigest(code);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new Refused(Reason.BAD_RECOVERY_CODE, `${error.message}.`);
  }
}

/** Writes the name, and the use of its invitation. @throws as `admit` does; StoreUnavailable */
export async function register(store: Store, asked: Asked): Promise<void> {
  const keys = {
    name: NAMES + asked.request.name,
    invitation: invitationKey(asked.request.secret),
    session: SESSIONS + asked.request.name,
  };
  for (let attempt = 0; attempt < ENROLMENT_LIMITS.attemptsMax; attempt += 1) {
    const [name, invitation] = await store.getAll([keys.name, keys.invitation]);
    const admission = admit(
      asked,
      name && fromBinary(NameRecordSchema, name.value),
      invitation && fromBinary(InvitationRecordSchema, invitation.value),
    );
    if (!admission.name) return;
    const compares = [compareOf(keys.name, name), compareOf(keys.invitation, invitation)];
    const { ok } = await store.transact(compares, writesOf(keys, admission));
    if (ok) return;
  }
  throw new StoreUnavailable('too many join with this code at the same moment: try again');
}

const compareOf = (key: string, row: Row | undefined): Compare => ({ key, revision: row?.revision ?? 0 });

function writesOf(
  keys: { readonly name: string; readonly invitation: string; readonly session: string },
  { name, invitation, recovered }: Admission,
): Write[] {
  const writes: Write[] = [];
  if (name) writes.push({ type: 'put', key: keys.name, value: toBinary(NameRecordSchema, name) });
  if (invitation) {
    writes.push({ type: 'put', key: keys.invitation, value: toBinary(InvitationRecordSchema, invitation) });
  }
  if (recovered) writes.push({ type: 'delete', key: keys.session });
  return writes;
}
