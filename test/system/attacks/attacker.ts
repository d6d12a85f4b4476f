/** Someone with a member's keys and software of his own: makes any call, and keeps what an honest client would not. */
import type { DescService } from '@bufbuild/protobuf';
import { openVault } from '../../../client/vault/vault.js';
import { toPeer, toServer } from '../../../core/identity/tls.js';
import type { Credentials, Identity } from '../../../core/identity/tls.js';
import { restoreClientKeys } from '../../../core/identity/keys.js';
import { signRights } from '../../../core/rights/signed.js';
import { openChannel } from '../../../core/rpc/channel.js';
import type { Channel } from '../../../core/rpc/channel.js';
import { createClient } from '../../../core/rpc/client.js';
import { Refused, Unreachable } from '../../../core/rpc/errors.js';
import type { Client } from '../../../core/rpc/method.js';
import type { Person } from '../../../demo/person.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import type { SignedRights } from '../../../gen/glimpse/v1/rights_pb.js';
import { drawnRights } from '../../core/rights/samples.js';
import type { Joined } from '../../server/joining.js';

/** The keys of someone who has joined, and who they say he is. */
export type Attacker = Pick<Joined, 'name' | 'keys' | 'bundle' | 'fingerprint' | 'cloudId' | 'identity'>;

/** With the keys that lie in someone's vault. */
export function attackerFrom({ home }: Pick<Person, 'home'>): Attacker {
  const vault = openVault(home);
  try {
    const { signingKey, agreementKey, keys: bundle, fingerprint, membership } = vault.identity.get()!;
    const { name, cloudId, caCertificate: authority, certificates } = membership!;
    const keys = restoreClientKeys({ signing: signingKey, agreement: agreementKey });
    const identity = { authority, certificate: certificates[0]!, privateKey: keys.signing };
    return { name, keys, bundle, fingerprint, cloudId, identity };
  } finally {
    vault.close();
  }
}

/** Connections of a test, closed together. */
export class Lines {
  readonly #open: Channel[] = [];

  to<Service extends DescService>(service: Service, address: string, who: Identity): Client<Service> {
    return this.with(service, address, toServer(who));
  }

  toPeer<Service extends DescService>(
    service: Service,
    address: string,
    [from, to]: readonly [from: Attacker, to: Attacker],
  ): Client<Service> {
    return this.with(service, address, toPeer(from.identity, to.bundle.signingKey));
  }

  with<Service extends DescService>(service: Service, address: string, how: Credentials): Client<Service> {
    const channel = openChannel(address, how);
    this.#open.push(channel);
    return createClient(service, channel);
  }

  readonly close = (): void => {
    for (const channel of this.#open.splice(0)) channel.close();
  };
}

/** Rights as `signer` signs them; the owner, unless the attack is that he is not. */
export function signedRights(
  { owner, viewer, signer = owner }: Record<'owner' | 'viewer', Attacker> & { readonly signer?: Attacker },
  changes: Parameters<typeof drawnRights>[0] = {},
): SignedRights {
  const rights = drawnRights({
    cloudId: owner.cloudId,
    owner: { name: owner.name, fingerprint: owner.fingerprint },
    viewer: { name: viewer.name, fingerprint: viewer.fingerprint },
    payloadBytes: 100_000,
    ...changes,
  });
  return signRights(rights, signer.keys.signing);
}

/** Why it was refused, by name; `Unreachable` if nobody was heard; undefined if it was done. */
export async function refusalOf(attempt: Promise<unknown>): Promise<string | undefined> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return Reason[error.reason];
    if (error instanceof Unreachable) return 'Unreachable';
    throw error;
  }
}
