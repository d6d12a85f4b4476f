/** A folder that is removed after the test, and people and rights to fill a vault with. Nothing here is signed. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { create, toBinary } from '@bufbuild/protobuf';
import { openVault } from '../../../client/vault/vault.js';
import type { Vault } from '../../../client/vault/vault.js';
import type { Membership, OwnKeys, Peer } from '../../../client/vault/records.js';
import {
  KeyBundleSchema,
  Mode,
  RightsSchema,
  SignedRightsSchema,
} from '../../../gen/glimpse/v1/rights_pb.js';
import type { Rights, SignedRights } from '../../../gen/glimpse/v1/rights_pb.js';

export const draw = (length: number) => new Uint8Array(randomBytes(length));

export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'glimpse-vault-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function temporaryVault(t: ExecutionContext): Promise<Vault> {
  const vault = openVault(await temporaryFolder(t));
  t.teardown(() => vault.close());
  return vault;
}

export function someone(name: string): Peer {
  const keys = create(KeyBundleSchema, { signingKey: draw(32), agreementKey: draw(32), signature: draw(64) });
  return { name, keys, fingerprint: draw(32) };
}

export function ownKeys(): OwnKeys {
  const { keys, fingerprint } = someone('me');
  return { signingKey: draw(32), agreementKey: draw(32), keys, fingerprint, imageKey: draw(32) };
}

export function membership(name: string): Membership {
  return {
    name,
    cloudId: new Uint8Array(16).fill(7),
    caCertificate: draw(300),
    certificates: [draw(250), draw(300)],
    servers: ['127.0.0.1:7001', '[::1]:7002'],
    clockOffsetMs: -12,
  };
}

export type RightsChoice = Partial<Pick<Rights, 'grantId' | 'imageId' | 'version' | 'quota'>>;

export function rightsBetween(owner: Peer, viewer: Peer, choice: RightsChoice = {}): SignedRights {
  const rights = create(RightsSchema, {
    grantId: draw(16),
    imageId: draw(16),
    cloudId: new Uint8Array(16).fill(7),
    owner: { name: owner.name, fingerprint: owner.fingerprint },
    viewer: { name: viewer.name, fingerprint: viewer.fingerprint },
    version: 1,
    quota: 3,
    mode: Mode.STRICT,
    ...choice,
  });
  return create(SignedRightsSchema, { rights: toBinary(RightsSchema, rights), signature: draw(64) });
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
