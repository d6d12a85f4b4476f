/**
 * Names of a cloud, registered by the product's own code but without its network, as its store and its cluster's
 * folder lie on this machine: for cases that need more clients than could join one after the other.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { create } from '@bufbuild/protobuf';
import pLimit from 'p-limit';
import { issueCertificate } from '../../core/identity/certificates.js';
import { drawClientKeys, fingerprintOf, makeKeyBundle } from '../../core/identity/keys.js';
import type { ClientKeys } from '../../core/identity/keys.js';
import type { Identity } from '../../core/identity/tls.js';
import { signRights } from '../../core/rights/signed.js';
import { JoinRequestSchema } from '../../gen/glimpse/v1/enrolment_pb.js';
import { Mode, RightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { KeyBundle, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import { openClaimed } from '../../server/claim.js';
import type { Cluster } from '../../server/cluster.js';
import { register } from '../../server/discovery/enrolment.js';
import { invitationSecretBytes, invite } from '../../server/discovery/invitations.js';
import { openStore } from '../../server/store/open.js';
import type { StorePlace } from '../../server/store/open.js';
import type { Store } from '../../server/store/store.js';

/** Who register at once: as many as share a commit. */
const together = 256;

/** A client that has joined. */
export interface Registered {
  readonly name: string;
  readonly keys: ClientKeys;
  readonly bundle: KeyBundle;
  readonly fingerprint: Uint8Array;
}

export class Registry {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly #secret: Uint8Array;

  private constructor(store: Store, cluster: Cluster, secret: Uint8Array) {
    this.store = store;
    this.cluster = cluster;
    this.#secret = secret;
  }

  /** The cloud in this folder, which is made if it is empty. */
  static async open(data: string, etcd?: StorePlace['etcd']): Promise<Registry> {
    const store = await openStore({ directory: data, etcd }, () => undefined);
    const cluster = await openClaimed(store, path.join(data, 'cluster'));
    const secret = randomBytes(invitationSecretBytes);
    await invite(store, secret, {});
    return new Registry(store, cluster, secret);
  }

  async register(name: string): Promise<Registered> {
    const keys = drawClientKeys();
    const bundle = makeKeyBundle(keys);
    const request = create(JoinRequestSchema, {
      secret: this.#secret,
      name,
      recoveryDigest: randomBytes(32),
    });
    await register(this.store, { request, keys: bundle, recoveryDigest: undefined, nowMs: Date.now() });
    return { name, keys, bundle, fingerprint: fingerprintOf(bundle) };
  }

  /** `name(0)` and so on. */
  registerAll(count: number, name: (index: number) => string): Promise<Registered[]> {
    const limit = pLimit(together);
    return limit.map(
      Array.from({ length: count }, (_, index) => name(index)),
      (each) => this.register(each),
    );
  }

  /** What a client calls with. */
  async identity({ name, keys, bundle }: Registered): Promise<Identity> {
    const { authority } = this.cluster;
    const { signingKey } = bundle;
    const issue = { role: 'client', name, signingKey, nowMs: Date.now(), serial: randomBytes(16) } as const;
    const certificate = await issueCertificate(authority, issue);
    return { authority: authority.certificate, certificate, privateKey: keys.signing };
  }

  /** Version 1 of rights to a picture that nobody has. */
  rights(owner: Registered, viewer: Pick<Registered, 'name' | 'fingerprint'>): Granting {
    const rights = create(RightsSchema, {
      grantId: bytes(16),
      cloudId: this.cluster.cloudId,
      imageId: bytes(16),
      owner: { name: owner.name, fingerprint: owner.fingerprint },
      viewer: { name: viewer.name, fingerprint: viewer.fingerprint },
      sealId: bytes(32),
      secretId: this.cluster.latestSecretId,
      payloadDigest: bytes(32),
      payloadBytes: 4_000_000,
      fileKeyCommitment: bytes(32),
      version: 1,
      quota: 1_000_000,
      mode: Mode.STRICT,
    });
    const { grantId, sealId } = rights;
    return { grantId, sealId, signedRights: signRights(rights, owner.keys.signing) };
  }

  close(): Promise<void> {
    return this.store.close();
  }
}

export interface Granting {
  readonly grantId: Uint8Array;
  readonly sealId: Uint8Array;
  readonly signedRights: SignedRights;
}

const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
