/**
 * The one moment before trust: a newcomer reads the chain that an enrolment listener presents and takes the CA
 * only if its SHA-256 is the one in the join code. Nothing else is said on this connection.
 */
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { parseAddress } from '../address.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { Refused, Unreachable } from '../rpc/errors.js';
import { authorityFingerprint } from './certificates.js';

/** Leaf and CA; a listener of ours presents no more. */
const chainLengthMax = 4;

/**
 * The cloud's CA certificate (DER) from an enrolment listener.
 * @throws Unreachable, or Refused BAD_JOIN_CODE if another cloud listens there
 */
export function fetchCa(address: string, fingerprint: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const parsed = parseAddress(address);
  if (!parsed) return Promise.reject(new Unreachable(`"${address}" is no address: it must be host:port.`));
  return new Promise((resolve, reject) => {
    // Whom we speak to is decided by the fingerprint, here, and by full verification on the next connection.
    const socket = connect({
      ...parsed,
      servername: 'glimpse',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
    });
    const abort = (): void => void socket.destroy(new Error('it took too long', { cause: signal.reason }));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    socket.once('close', () => {
      signal.removeEventListener('abort', abort);
      reject(new Unreachable(`${address} closed the connection: check the address.`));
    });
    socket.once('error', (cause: Error) =>
      reject(new Unreachable(`${address} cannot be reached: ${cause.message}.`, { cause })),
    );
    socket.once('secureConnect', () => {
      const found = authoritiesOf(socket).find(
        (der) => Buffer.compare(authorityFingerprint(der), fingerprint) === 0,
      );
      if (found) resolve(found);
      else
        reject(
          new Refused(Reason.BAD_JOIN_CODE, `Another cloud than the join code's listens at ${address}.`),
        );
      socket.destroy();
    });
  });
}

/** The CA certificates (DER) in the chain that the other side presented. */
function authoritiesOf(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let link: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (link?.raw && chain.length < chainLengthMax) {
    chain.push(new Uint8Array(link.raw));
    link = link.issuerCertificate === link ? undefined : link.issuerCertificate;
  }
  return chain.filter((der) => new X509Certificate(der).ca);
}
