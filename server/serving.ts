/**
 * One server put together: its parts, its two listeners, its place in the ring and in the address book, and the
 * order in which all that begins and ends. docs/architecture.md.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Server } from '@grpc/grpc-js';
import { formatAddress } from '../core/address.js';
import type { Address } from '../core/address.js';
import type { Caller } from '../core/identity/role.js';
import { ListenerCredentials } from '../core/identity/tls.js';
import type { Identity } from '../core/identity/tls.js';
import { startServer } from '../core/rpc/server.js';
import { addService } from '../core/rpc/service.js';
import { addHealth, addReflection } from '../core/rpc/standard.js';
import type { Health } from '../core/rpc/standard.js';
import { Discovery } from '../gen/glimpse/v1/discovery_pb.js';
import { Enrolment } from '../gen/glimpse/v1/enrolment_pb.js';
import type { Closing } from './closing.js';
import { openCluster } from './cluster.js';
import type { Cluster } from './cluster.js';
import { Directory } from './discovery/directory.js';
import { DISCOVERY_LIMITS } from './discovery/limits.js';
import { ENROLMENT_CALLERS, enrolmentHandlers } from './discovery/enrolment.js';
import { Mailbox } from './discovery/mailbox.js';
import { OtherServers } from './discovery/other-servers.js';
import { Presence } from './discovery/presence.js';
import { DISCOVERY_CALLERS, discoveryHandlers } from './discovery/service.js';
import { Sessions } from './discovery/sessions.js';
import { drawServerIdentity } from './identity.js';
import { ServerLease } from './lease.js';
import { Ledger } from './ledger/ledger.js';
import type { Log } from './log.js';
import { Members } from './members.js';
import { asRefused } from './refusals.js';
import { openSqliteStore } from './store/sqlite.js';
import type { Store } from './store/store.js';

export interface ServingOptions {
  readonly id: string;
  readonly data: string;
  readonly listen: Address;
  readonly enrol: Address;
  /** The host that others are told. */
  readonly advertise: string;
  readonly now: () => Date;
  readonly log: Log;
}

export const SERVING_LIMITS = {
  /** What is being hidden when the server is to stop has so long to be finished. */
  drainMs: 10_000,
  /** Calls that are still under way then are cancelled after this. */
  callsMs: 1000,
} as const;

/** A server at work. */
export interface Serving {
  /** Where its services are, host:port, as others are told. */
  readonly address: string;
  /** Where newcomers enrol, host:port, as others are told. */
  readonly enrolment: string;
  /** Sends everybody elsewhere, and resolves when what was begun is done. */
  drain(): Promise<void>;
}

interface Parts {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly identity: Identity;
  readonly lease: ServerLease;
  readonly members: Members;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly mailbox: Mailbox;
  readonly ledger: Ledger;
  readonly presence: Presence;
}

/** Whatever was begun is in `closing`, also when this fails. @throws CannotListen, StoreUnavailable */
export async function startServing(options: ServingOptions, closing: Closing): Promise<Serving> {
  const parts = await open(options, closing);
  follow(parts, closing);
  const { address, enrolment, health } = await listen(options, parts, closing);
  await parts.members.enter({ id: options.id, address, enrolment }, parts.lease);
  return {
    address,
    enrolment,
    drain: async () => {
      for (const one of health) one.setServing(false);
      parts.sessions.goodbye();
    },
  };
}

async function open({ id, data, now, log }: ServingOptions, closing: Closing): Promise<Parts> {
  const cluster = await openCluster(path.join(data, 'cluster'));
  const store = await openSqliteStore({ directory: data });
  closing.add('store', () => store.close());
  const lease = await ServerLease.grant(store, DISCOVERY_LIMITS.leaseMs, log);
  closing.add('lease', () => lease.revoke());
  const nowMs = (): number => now().getTime();
  const identity = await drawServerIdentity(cluster.authority, id, nowMs());
  const members = new Members(store);
  const others = new OtherServers(members, identity);
  closing.add('channels', () => others.close());
  const sessions = new Sessions({ store, server: id, lease, drawId: () => randomBytes(16) });
  const ledger = new Ledger({ store, cloudId: cluster.cloudId, nowMs });
  closing.add('ledger', () => ledger.close());
  return {
    store,
    cluster,
    identity,
    lease,
    members,
    sessions,
    ledger,
    directory: new Directory(store),
    mailbox: new Mailbox(store, ledger),
    presence: new Presence({ sessions, server: id, askServer: (...asked) => others.ask(...asked) }),
  };
}

/** Everything that keeps up with the store; it ends before the store is closed. */
function follow({ directory, sessions, mailbox, members, ledger }: Parts, closing: Closing): void {
  const ending = new AbortController();
  const { signal } = ending;
  const following = Promise.all([
    directory.follow((name, standing) => sessions.nameChanged(name, standing), signal),
    sessions.follow(signal),
    mailbox.follow(signal),
    members.follow(() => undefined, signal),
    ledger.keepSwept(signal),
  ]);
  closing.add('watches', () => {
    ending.abort();
    return following;
  });
}

interface Listening {
  readonly address: string;
  readonly enrolment: string;
  readonly health: readonly Health[];
}

async function listen(options: ServingOptions, parts: Parts, closing: Closing): Promise<Listening> {
  const { identity } = parts;
  const health: Health[] = [];
  const told = (port: number): string => formatAddress({ host: options.advertise, port });
  const services = await startServer({
    ...options.listen,
    credentials: new ListenerCredentials(identity, 'required'),
    register: (server) => health.push(addServices(server, options, parts)),
  });
  closing.add('services', () => services.stop(SERVING_LIMITS.callsMs));
  const newcomers = await startServer({
    ...options.enrol,
    credentials: new ListenerCredentials(identity, 'none'),
    register: (server) => health.push(addEnrolment(server, options, parts)),
  });
  closing.add('enrolment', () => newcomers.stop(SERVING_LIMITS.callsMs));
  return { address: told(services.port), enrolment: told(newcomers.port), health };
}

function addServices(server: Server, { id, now, log }: ServingOptions, parts: Parts): Health {
  const { directory, members, cluster } = parts;
  const authorize = async (caller: Caller): Promise<void> => {
    if (caller.role === 'client') await directory.caller(caller);
  };
  const failed = failure(log);
  const discovery = discoveryHandlers({
    ...parts,
    authority: cluster.authority,
    server: id,
    servers: () => members.all.map(({ address }) => address),
    now,
    drawSerial: () => randomBytes(16),
  });
  addService(server, Discovery, discovery, { allow: DISCOVERY_CALLERS, authorize, asRefused, failed });
  const services = [Discovery];
  addReflection(server, services);
  return addHealth(server, services);
}

function addEnrolment(server: Server, { now, log }: ServingOptions, parts: Parts): Health {
  const { store, members, cluster } = parts;
  const handlers = enrolmentHandlers({
    store,
    authority: cluster.authority,
    servers: () => members.all.map(({ address }) => address),
    nowMs: () => now().getTime(),
    randomBytes,
  });
  addService(server, Enrolment, handlers, { allow: ENROLMENT_CALLERS, asRefused, failed: failure(log) });
  const services = [Enrolment];
  addReflection(server, services);
  return addHealth(server, services);
}

function failure(log: Log): (method: string, cause: unknown) => void {
  return (method, cause) =>
    log('error', 'call failed', {
      method,
      cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    });
}
