/**
 * TLS credentials for grpc-js: version 1.3 only, every certificate from the cloud's CA, its holder checked by
 * role and key instead of host names, which say nothing about peers that move.
 */
import { createSecureContext } from 'node:tls';
import type { PeerCertificate, SecureContextOptions } from 'node:tls';
import type { KeyObject } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { Refused, Unreachable } from '../rpc/errors.js';
import { RPC_LIMITS } from '../rpc/limits.js';
import { holderOf } from './role.js';
import type { Holder } from './role.js';

/** Who a process is on the network. */
export interface Identity {
  /** The cloud's CA certificate, DER. */
  readonly authority: Uint8Array;
  /** Its own certificate, DER. */
  readonly certificate: Uint8Array;
  /** Ed25519. */
  readonly privateKey: KeyObject;
}

/** How a channel proves who it is, and what it demands of the other side. For one channel only. */
export interface Credentials {
  readonly channel: grpc.ChannelCredentials;
  /** Why the other side's certificate was refused when it last connected, if it was. */
  wrongIdentity(): Error | undefined;
}

/** Credentials of a listener. */
export class ListenerCredentials extends grpc.ServerCredentials {
  readonly #context: (identity: Identity) => SecureContextOptions;

  constructor(identity: Identity, clientCertificates: 'required' | 'none') {
    const required = clientCertificates === 'required';
    const context = (of: Identity): SecureContextOptions => ({
      // Newcomers find the CA in the chain and compare it with their join code.
      cert: pem('CERTIFICATE', of.certificate) + pem('CERTIFICATE', of.authority),
      key: keyOf(of),
      minVersion: 'TLSv1.3',
      ...(required && { ca: pem('CERTIFICATE', of.authority) }),
    });
    const { callsPerConnectionMax, handshakeMs, windowBytes } = RPC_LIMITS;
    const listener = {
      requestCert: required,
      rejectUnauthorized: required,
      handshakeTimeout: handshakeMs,
      settings: { initialWindowSize: windowBytes, maxConcurrentStreams: callsPerConnectionMax },
    };
    super(listener, context(identity));
    this.#context = context;
  }

  /** New connections see the new certificate; those that stand are left alone. */
  renew(identity: Identity): void {
    this.updateSecureContextOptions(this.#context(identity));
  }

  override _equals(other: grpc.ServerCredentials): boolean {
    return this === other;
  }
}

/** To any server of this cloud. */
export function toServer(identity: Identity): Credentials {
  return checked(identity, (holder) =>
    holder?.role === 'server'
      ? undefined
      : new Unreachable('Whoever listens there is no server of this cloud: check the address.'),
  );
}

/** To the peer that holds this signing key (32 bytes), and to nobody else, whatever the CA says. */
export function toPeer(identity: Identity, signingKey: Uint8Array): Credentials {
  return checked(identity, (holder) =>
    holder && Buffer.compare(holder.signingKey, signingKey) === 0
      ? undefined
      : new Refused(
          Reason.KEY_CHANGED,
          'The peer presents another key than the one pinned: compare safety numbers before you go on.',
        ),
  );
}

/** To a server of the cloud with this CA (DER), without a certificate of one's own. */
export function toEnrolment(authority: Uint8Array): Credentials {
  return checked({ authority }, (holder) =>
    holder?.role === 'server'
      ? undefined
      : new Unreachable('Whoever listens there is no server of this cloud.'),
  );
}

type Offered = Pick<Identity, 'authority'> & Partial<Identity>;

function checked(offered: Offered, refusal: (holder: Holder | undefined) => Error | undefined): Credentials {
  let wrong: Error | undefined;
  const { certificate, privateKey } = offered;
  const context = createSecureContext({
    ca: pem('CERTIFICATE', offered.authority),
    minVersion: 'TLSv1.3',
    ...(certificate && privateKey && { cert: pem('CERTIFICATE', certificate), key: keyOf({ privateKey }) }),
  });
  const checkServerIdentity = (_host: string, { raw }: PeerCertificate): Error | undefined =>
    (wrong = refusal(holderOf(raw)));
  return {
    channel: grpc.ChannelCredentials.createFromSecureContext(context, { checkServerIdentity }),
    wrongIdentity: () => wrong,
  };
}

const keyOf = ({ privateKey }: Pick<Identity, 'privateKey'>): string =>
  privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;

/** RFC 7468. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
