/** A server and a client, as processes and as in life, and the doors at which strangers, members and servers knock. */
import { generateKeyPairSync, createPublicKey, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { issueCertificate } from '../../core/identity/certificates.js';
import { publicBytes, restoreClientKeys } from '../../core/identity/keys.js';
import { toEnrolment, toPeer, toServer } from '../../core/identity/tls.js';
import type { Identity } from '../../core/identity/tls.js';
import { decodeJoinCode } from '../../core/identity/join-code.js';
import { Discovery } from '../../gen/glimpse/v1/discovery_pb.js';
import { Election } from '../../gen/glimpse/v1/election_pb.js';
import { Enrolment } from '../../gen/glimpse/v1/enrolment_pb.js';
import { Peer } from '../../gen/glimpse/v1/peer_pb.js';
import { Stego } from '../../gen/glimpse/v1/stego_pb.js';
import { openCluster } from '../../server/cluster.js';
import { Servers } from '../../client/cloud/servers.js';
import { Person } from '../../demo/person.js';
import type { Ending, TestClient } from '../client/engine/clouds.js';
import { newcomer, photos, startCloud } from '../client/engine/clouds.js';
import type { Door } from './handlers.js';

export interface House {
  readonly doors: readonly Door[];
  /** Whose client is fuzzed as a peer. */
  readonly bob: Person;
  /** The server and the peer, which nobody starts again, if they have ended: they have not borne everything. */
  readonly ended: () => readonly string[];
}

export async function houseOf(ending: Ending): Promise<House> {
  const cloud = await startCloud(ending, 1, '--no-restart');
  const [mallory, leaver] = [
    await newcomer(ending, cloud, 'mallory'),
    await newcomer(ending, cloud, 'leaver'),
  ];
  const home = await ending.folder();
  await mkdir(path.join(home, 'logs'));
  const bob = new Person('bob', home, () => undefined);
  await bob.join(cloud.joinCode);
  const { address: peer } = await bob.start(['--gallery', photos, '--open']);
  ending.add(() => bob.up?.stop());
  const [member, gone] = [identityOf(mallory), identityOf(leaver)];
  const server = await serverOf(cloud.data);
  const { address } = cloud.servers[0]!;
  // Whoever left is heard no more.
  const methods = [Election, Stego, Discovery].flatMap((service) =>
    service.methods.filter((method) => method !== Discovery.method.leave),
  );
  const servers = new Servers(member);
  const { entry } = await servers.at(address).discovery.lookUp({ name: 'bob' });
  servers.close();
  const bobsKey = entry!.keys!.signingKey;
  const doors = [
    { name: 'members', address, methods, identity: member, credentials: () => toServer(member) },
    { name: 'servers', address, methods, identity: server, credentials: () => toServer(server) },
    {
      name: 'leavers',
      address,
      methods: [Discovery.method.leave],
      identity: gone,
      credentials: () => toServer(gone),
    },
    {
      name: 'strangers',
      address: decodeJoinCode(cloud.joinCode).addresses[0]!,
      methods: Enrolment.methods,
      identity: undefined,
      credentials: () => toEnrolment(member.authority),
    },
    {
      name: 'peers',
      address: peer,
      methods: Peer.methods,
      identity: member,
      credentials: () => toPeer(member, bobsKey),
    },
  ];
  const ended = () => [
    ...(runs(cloud.servers[0]!.pid) ? [] : ['the server']),
    ...(bob.up?.ended === false ? [] : ['the peer']),
  ];
  return { doors, bob, ended };
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function identityOf({ vault }: TestClient): Identity {
  const { signingKey, agreementKey, membership } = vault.identity.get()!;
  const keys = restoreClientKeys({ signing: signingKey, agreement: agreementKey });
  return {
    authority: membership!.caCertificate,
    certificate: membership!.certificates[0]!,
    privateKey: keys.signing,
  };
}

/** One more server of this cloud, which is not what it seems. */
async function serverOf(data: string): Promise<Identity> {
  const { authority } = await openCluster(path.join(data, 'cluster'));
  const { privateKey } = generateKeyPairSync('ed25519');
  const certificate = await issueCertificate(authority, {
    role: 'server',
    name: 's9',
    signingKey: publicBytes(createPublicKey(privateKey)),
    nowMs: Date.now(),
    serial: randomBytes(16),
  });
  return { authority: authority.certificate, certificate, privateKey };
}
