/**
 * Joining a cloud with a join code, and recovering a name with its recovery code. docs/protocol.md, "Enrolment".
 * Safe to repeat as long as the keys and the recovery code are the same: the caller draws and keeps them first.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { ClientKeys } from '../../core/identity/keys.js';
import { makeKeyBundle } from '../../core/identity/keys.js';
import { authorityFingerprint, cloudIdOf, requestCertificate } from '../../core/identity/certificates.js';
import { fetchCa } from '../../core/identity/fetch-ca.js';
import { decodeJoinCode } from '../../core/identity/join-code.js';
import { recoveryDigest } from '../../core/identity/recovery-code.js';
import { toEnrolment } from '../../core/identity/tls.js';
import { openChannel } from '../../core/rpc/channel.js';
import { createClient } from '../../core/rpc/client.js';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import type { JoinResponse } from '../../gen/glimpse/v1/enrolment_pb.js';
import { Enrolment } from '../../gen/glimpse/v1/enrolment_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { AttemptOptions } from './failover.js';
import { Failover } from './failover.js';
import { CLOUD_LIMITS } from './limits.js';
import { shuffled } from './rules/servers.js';

export interface Enrolling {
  readonly code: string;
  readonly name: string;
  readonly keys: ClientKeys;
  /** The code that will recover the name: drawn by the client, told to its person only. */
  readonly recovery: string;
  /** The name's present recovery code, to replace its keys; absent to join. */
  readonly recoveryCode?: string;
}

/** What a client needs from then on. */
export interface Enrolled {
  readonly certificate: Uint8Array;
  readonly caCertificate: Uint8Array;
  readonly cloudId: Uint8Array;
  readonly servers: readonly string[];
  /** The server's clock when it answered, ms. */
  readonly nowMs: number;
}

/**
 * @throws FormatError 'join-code'; Refused BAD_JOIN_CODE, JOIN_CODE_EXPIRED, JOIN_CODE_USED_UP, NAME_TAKEN,
 * BAD_RECOVERY_CODE; Unreachable
 */
export async function enrol(enrolling: Enrolling, random: () => number): Promise<Enrolled> {
  const code = decodeJoinCode(enrolling.code);
  if (code.name !== '' && code.name !== enrolling.name) {
    throw new Refused(Reason.BAD_JOIN_CODE, `This join code is for the name ${code.name} only.`);
  }
  const request = {
    secret: code.secret,
    name: enrolling.name,
    keys: makeKeyBundle(enrolling.keys),
    certificateRequest: await requestCertificate(enrolling.name, enrolling.keys.signing),
    recoveryDigest: recoveryDigest(enrolling.recovery),
    recoveryCode: enrolling.recoveryCode ?? '',
  };
  const listeners = new Failover(shuffled(code.addresses, random), (address) => address);
  const answer = await listeners.call(
    async (address, each) => {
      const ca = await fetchCa(address, code.caFingerprint, AbortSignal.timeout(each.deadlineMs));
      const joined = await joinAt(address, ca, request, each);
      if (joined.servers.length === 0) throw new Unreachable(`${address} knows no server yet.`);
      return joined;
    },
    { attemptMs: CLOUD_LIMITS.joinMs },
  );
  return checked(answer, code.caFingerprint);
}

type Request = Parameters<ReturnType<typeof createClient<typeof Enrolment>>['join']>[0];

async function joinAt(
  address: string,
  ca: Uint8Array,
  request: Request,
  each: AttemptOptions,
): Promise<JoinResponse> {
  const channel = openChannel(address, toEnrolment(ca), { keepalive: 'clients' });
  try {
    return await createClient(Enrolment, channel).join(request, each);
  } finally {
    channel.close();
  }
}

function checked(answer: JoinResponse, caFingerprint: Uint8Array): Enrolled {
  const same = Buffer.compare(authorityFingerprint(answer.caCertificate), caFingerprint) === 0;
  if (!same || Buffer.compare(cloudIdOf(answer.caCertificate), answer.cloudId) !== 0) {
    throw new Refused(
      Reason.BAD_JOIN_CODE,
      'The server answered for another cloud than the join code names.',
    );
  }
  return {
    certificate: answer.certificate,
    caCertificate: answer.caCertificate,
    cloudId: answer.cloudId,
    servers: answer.servers,
    nowMs: answer.now ? timestampMs(answer.now) : Number.NaN,
  };
}
