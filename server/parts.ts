/** The parts of one server, opened; what they need to be closed goes into `closing`. docs/architecture.md. */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { Identity } from '../core/identity/tls.js';
import { openClaimed } from './claim.js';
import type { Closing } from './closing.js';
import type { Cluster } from './cluster.js';
import { Directory } from './discovery/directory.js';
import { DISCOVERY_LIMITS } from './discovery/limits.js';
import { Mailbox } from './discovery/mailbox.js';
import { OtherServers } from './discovery/other-servers.js';
import { Presence } from './discovery/presence.js';
import { Sessions } from './discovery/sessions.js';
import { RingSeat } from './ring-seat.js';
import { drawServerIdentity } from './identity.js';
import { ServerLease } from './lease.js';
import { Ledger } from './ledger/ledger.js';
import type { Log } from './log.js';
import { Rates } from './rates/rates.js';
import { BandWorkers } from './stego/bands.js';
import { Covers } from './stego/cover.js';
import { openStore } from './store/open.js';
import type { StorePlace } from './store/open.js';
import type { Store } from './store/store.js';

export interface PartsOptions {
  readonly id: string;
  readonly data: string;
  readonly storePlace: StorePlace;
  readonly now: () => Date;
  readonly log: Log;
}

export interface Parts {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly identity: Identity;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly mailbox: Mailbox;
  readonly ledger: Ledger;
  readonly presence: Presence;
  readonly rates: Rates;
  readonly seat: RingSeat;
  readonly covers: Covers;
  readonly bands: BandWorkers;
}

/** @throws StoreUnavailable, BadCluster */
export async function openParts(options: PartsOptions, closing: Closing): Promise<Parts> {
  const { id, data, storePlace, now, log } = options;
  const store = await openStore(storePlace, (what, cause) => log('warn', what, { cause: String(cause) }));
  closing.add('store', () => store.close());
  const cluster = await openClaimed(store, path.join(data, 'cluster'));
  const lease = await ServerLease.grant(store, DISCOVERY_LIMITS.leaseMs, log);
  closing.add('lease', () => lease.revoke());
  const nowMs = (): number => now().getTime();
  const identity = await drawServerIdentity(cluster.authority, id, nowMs());
  const seat = new RingSeat();
  const others = new OtherServers((server) => seat.addressOf(server), identity);
  closing.add('channels', () => others.close());
  const ledger = new Ledger({ store, cloudId: cluster.cloudId, nowMs });
  closing.add('ledger', () => ledger.close());
  const bands = new BandWorkers({ threads: availableParallelism() });
  closing.add('bands', () => bands.close());
  const sessions = new Sessions({ store, server: id, lease, drawId: () => randomBytes(16) });
  return {
    store,
    cluster,
    identity,
    sessions,
    ledger,
    seat,
    bands,
    rates: new Rates(() => performance.now()),
    covers: new Covers(),
    directory: new Directory(store),
    mailbox: new Mailbox(store, ledger, () => performance.now()),
    presence: new Presence({ sessions, server: id, askServer: (...asked) => others.ask(...asked) }),
  };
}

/** Everything that keeps up with the store; it ends before the store is closed. */
export function keepUp({ directory, sessions, mailbox, ledger }: Parts, closing: Closing): void {
  const ending = new AbortController();
  const { signal } = ending;
  const following = Promise.all([
    directory.follow((name, standing) => sessions.nameChanged(name, standing), signal),
    sessions.follow(signal),
    mailbox.follow(signal),
    ledger.keepSwept(signal),
  ]);
  closing.add('watches', () => {
    ending.abort();
    return following;
  });
}
