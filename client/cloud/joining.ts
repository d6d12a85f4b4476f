/**
 * Joining and recovering, as the vault remembers it: keys and recovery code are drawn and durable before the first
 * word to a cloud, so that whatever breaks off can be done again. docs/protocol.md, "Enrolment".
 */
import { X509Certificate } from 'node:crypto';
import { authorityFingerprint } from '../../core/identity/certificates.js';
import { decodeJoinCode } from '../../core/identity/join-code.js';
import {
  drawClientKeys,
  fingerprintOf,
  fingerprintText,
  keepClientKeys,
  makeKeyBundle,
  restoreClientKeys,
} from '../../core/identity/keys.js';
import { formatRecoveryCode, recoveryBytes } from '../../core/identity/recovery-code.js';
import type { Joined } from '../engine.js';
import { VaultError } from '../vault/failures.js';
import type { Identity, Membership } from '../vault/records.js';
import type { Vault } from '../vault/vault.js';
import { enrol } from './enrol.js';

const imageKeyBytes = 32;

interface JoiningEdge {
  readonly clock: () => number;
  readonly random: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** @throws what `enrol` throws; VaultError (taken) when the vault has another name or cloud */
export async function joinWith(
  vault: Vault,
  wanted: { readonly code: string; readonly name: string; readonly recoveryCode?: string },
  edge: JoiningEdge,
): Promise<Joined> {
  const identity = vault.identity.get() ?? draw(vault, edge);
  const { membership } = identity;
  if (membership) checkSame(membership, wanted.code, wanted.name);
  const fingerprint = fingerprintText(identity.fingerprint);
  if (membership && isValid(membership, edge.clock()))
    return { name: wanted.name, fingerprint, recovery: null };
  // A vault whose certificate lapsed joins again with the same keys: its recovery code is the one it was told then.
  const recovery = identity.recovery ?? formatRecoveryCode(edge.randomBytes(recoveryBytes));
  const keys = restoreClientKeys({ signing: identity.signingKey, agreement: identity.agreementKey });
  const enrolled = await enrol({ ...wanted, keys, recovery }, edge.random);
  vault.identity.join({
    name: wanted.name,
    cloudId: enrolled.cloudId,
    caCertificate: enrolled.caCertificate,
    certificates: [enrolled.certificate],
    servers: enrolled.servers,
    clockOffsetMs: Number.isNaN(enrolled.nowMs) ? 0 : enrolled.nowMs - edge.clock(),
  });
  return { name: wanted.name, fingerprint, recovery: membership ? null : recovery };
}

function draw(vault: Vault, edge: JoiningEdge): Identity {
  const keys = drawClientKeys();
  const kept = keepClientKeys(keys);
  const bundle = makeKeyBundle(keys);
  const own = {
    signingKey: kept.signing,
    agreementKey: kept.agreement,
    keys: bundle,
    fingerprint: fingerprintOf(bundle),
    imageKey: edge.randomBytes(imageKeyBytes),
  };
  return vault.identity.create(own, formatRecoveryCode(edge.randomBytes(recoveryBytes)));
}

/** Before an invitation is spent on it. */
function checkSame(membership: Membership, code: string, name: string): void {
  const same =
    Buffer.compare(decodeJoinCode(code).caFingerprint, authorityFingerprint(membership.caCertificate)) === 0;
  if (membership.name === name && same) return;
  const whose = membership.name === name ? `${name}'s in another cloud` : `${membership.name}'s`;
  throw new VaultError(
    'taken',
    `this vault is ${whose}: run \`glimpse leave\` first, or set GLIMPSE_HOME to another folder`,
  );
}

function isValid({ certificates }: Membership, nowMs: number): boolean {
  return Date.parse(new X509Certificate(certificates[0]!).validTo) > nowMs;
}
