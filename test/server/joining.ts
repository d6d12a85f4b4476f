/** Clients of a running cloud, as the real ones join and attend it: real keys, certificates, sockets. */
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { fetchCa } from '../../core/identity/fetch-ca.js';
import { requestCertificate } from '../../core/identity/certificates.js';
import { decodeJoinCode } from '../../core/identity/join-code.js';
import { drawClientKeys, fingerprintOf, makeKeyBundle } from '../../core/identity/keys.js';
import type { ClientKeys } from '../../core/identity/keys.js';
import { formatRecoveryCode, recoveryBytes, recoveryDigest } from '../../core/identity/recovery-code.js';
import { toEnrolment, toServer } from '../../core/identity/tls.js';
import type { Identity } from '../../core/identity/tls.js';
import { openChannel } from '../../core/rpc/channel.js';
import { createClient } from '../../core/rpc/client.js';
import type { Client } from '../../core/rpc/method.js';
import { Discovery } from '../../gen/glimpse/v1/discovery_pb.js';
import type { AttendRequestSchema, AttendResponse, Attended } from '../../gen/glimpse/v1/discovery_pb.js';
import { Enrolment } from '../../gen/glimpse/v1/enrolment_pb.js';
import type { KeyBundle } from '../../gen/glimpse/v1/rights_pb.js';

const joinMs = 10_000;

export interface Joined {
  readonly name: string;
  readonly keys: ClientKeys;
  readonly bundle: KeyBundle;
  readonly fingerprint: Uint8Array;
  readonly cloudId: Uint8Array;
  readonly recovery: string;
  readonly identity: Identity;
  readonly servers: readonly string[];
}

export interface Joining {
  readonly keys?: ClientKeys;
  readonly recoveryCode?: string;
}

/** Joins as `glimpse join` does. @throws Refused, Unreachable */
export async function join(
  code: string,
  name: string,
  { keys = drawClientKeys(), recoveryCode = '' }: Joining = {},
): Promise<Joined> {
  const { addresses, caFingerprint, secret } = decodeJoinCode(code);
  const address = addresses[0]!;
  const authority = await fetchCa(address, caFingerprint, AbortSignal.timeout(joinMs));
  const bundle = makeKeyBundle(keys);
  const recovery = formatRecoveryCode(randomBytes(recoveryBytes));
  const channel = openChannel(address, toEnrolment(authority));
  try {
    const { certificate, cloudId, servers } = await createClient(Enrolment, channel).join({
      secret,
      name,
      keys: bundle,
      certificateRequest: await requestCertificate(name, keys.signing),
      recoveryDigest: recoveryDigest(recovery),
      recoveryCode,
    });
    const identity = { authority, certificate, privateKey: keys.signing };
    return { name, keys, bundle, fingerprint: fingerprintOf(bundle), cloudId, recovery, identity, servers };
  } finally {
    channel.close();
  }
}

export interface Connection {
  readonly discovery: Client<typeof Discovery>;
  close(): void;
}

/** A connection to one server. */
export function connect(identity: Identity, address: string): Connection {
  const channel = openChannel(address, toServer(identity));
  return { discovery: createClient(Discovery, channel), close: () => channel.close() };
}

type Said = MessageInitShape<typeof AttendRequestSchema>;

/** What is said, until it is ended. */
class Saying implements AsyncIterable<Said> {
  readonly #events = new EventEmitter();
  readonly #waiting: Said[] = [];
  #ended = false;

  say(message: NonNullable<Said['message']>): void {
    this.#waiting.push({ message });
    this.#events.emit('said');
  }

  end(): void {
    this.#ended = true;
    this.#events.emit('said');
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Said> {
    for (;;) {
      for (let said = this.#waiting.shift(); said; said = this.#waiting.shift()) yield said;
      if (this.#ended) return;
      await once(this.#events, 'said');
    }
  }
}

/** An Attend stream in the test's hands: nothing is answered but what the test says. */
export class Attendance {
  readonly attended: Attended;
  readonly #saying: Saying;
  readonly #heard: AsyncIterator<AttendResponse>;

  private constructor(attended: Attended, saying: Saying, heard: AsyncIterator<AttendResponse>) {
    this.attended = attended;
    this.#saying = saying;
    this.#heard = heard;
  }

  /** @throws Refused, Unreachable */
  static async begin(discovery: Client<typeof Discovery>, address = '127.0.0.1:9'): Promise<Attendance> {
    const saying = new Saying();
    saying.say({ case: 'hello', value: { address } });
    const heard = discovery.attend(saying)[Symbol.asyncIterator]();
    const first = await heard.next();
    if (first.done === true || first.value.message.case !== 'attended')
      throw new Error('it was not Attended');
    return new Attendance(first.value.message.value, saying, heard);
  }

  /** The next message; undefined when the stream ended well. @throws Refused, Unreachable */
  async next(): Promise<AttendResponse['message'] | undefined> {
    const next = await this.#heard.next();
    return next.done === true ? undefined : next.value.message;
  }

  say(message: NonNullable<Said['message']>): void {
    this.#saying.say(message);
  }

  /** Ends the presence as a client does that stops. */
  async end(): Promise<void> {
    this.#saying.end();
    await this.#heard.return?.();
  }
}
