/** Puts the parts of a joined client together: who it is from its vault, whom it speaks to, what it can do. */
import { restoreClientKeys } from '../../core/identity/keys.js';
import { Cloud } from '../cloud/cloud.js';
import { Failover } from '../cloud/failover.js';
import { shuffled } from '../cloud/rules/servers.js';
import { Servers } from '../cloud/servers.js';
import type { Taken } from '../cloud/attend.js';
import type { Identity, Membership } from '../vault/records.js';
import type { Vault } from '../vault/vault.js';
import { Changes } from './changes.js';
import { Courier } from './courier.js';
import { Deliveries } from './deliveries.js';
import { Grants } from './grants.js';
import { HeldRights } from './held.js';
import { PrepaidViews } from './prepaid.js';
import { Hidings } from './hidings.js';
import { PeerLines } from './peer-lines.js';
import { People } from './people.js';
import type { Edge, Periods, Self, Told, Workings } from './workings.js';

export interface Member {
  readonly workings: Workings;
  readonly people: People;
  readonly grants: Grants;
  readonly deliveries: Deliveries;
  readonly changes: Changes;
  readonly heldRights: HeldRights;
  readonly prepaid: PrepaidViews;
  readonly courier: Courier;
  /** Whom rights that came another way are acknowledged to; none while this client does not attend. */
  attendsWith(acknowledge: ((taken: Taken) => void) | undefined): void;
  /** Waits for what nobody waited for, and ends all connections. */
  close(): Promise<void>;
}

export interface MemberOptions {
  readonly vault: Vault;
  readonly edge: Edge;
  readonly tell: Told;
  readonly periods: Periods;
}

export function assemble(identity: Identity, membership: Membership, options: MemberOptions): Member {
  const { vault, edge, tell, periods } = options;
  const self = selfOf(identity, membership);
  const servers = new Servers(self.tls);
  const peers = new PeerLines(self.tls);
  const at = (address: string) => servers.at(address);
  const order = shuffled(membership.servers, edge.random);
  const underWay = new Set<Promise<unknown>>();
  let acknowledge: ((taken: Taken) => void) | undefined;
  const workings: Workings = {
    self,
    vault,
    edge,
    tell,
    periods,
    cloud: new Cloud(new Failover(order, at)),
    servers: at,
    peers,
    acknowledge: (taken) => acknowledge?.(taken),
    later: (work) => {
      const done = work.catch((error: unknown) => tell(String(error))).finally(() => underWay.delete(done));
      underWay.add(done);
    },
  };
  const people = new People(workings);
  const grants = new Grants(workings, new Hidings(workings));
  const deliveries = new Deliveries(workings, people);
  const heldRights = new HeldRights(workings);
  const changes = new Changes(workings, people, grants);
  return {
    workings,
    people,
    grants,
    deliveries,
    changes,
    heldRights,
    prepaid: new PrepaidViews(workings, heldRights),
    courier: new Courier(workings, deliveries, changes),
    attendsWith: (how) => (acknowledge = how),
    close: async () => {
      await Promise.all(underWay);
      peers.close();
      servers.close();
    },
  };
}

function selfOf(identity: Identity, membership: Membership): Self {
  const keys = restoreClientKeys({ signing: identity.signingKey, agreement: identity.agreementKey });
  return {
    name: membership.name,
    keys,
    bundle: identity.keys,
    fingerprint: identity.fingerprint,
    imageKey: identity.imageKey,
    cloudId: membership.cloudId,
    tls: {
      authority: membership.caCertificate,
      certificate: membership.certificates[0]!,
      privateKey: keys.signing,
    },
  };
}
