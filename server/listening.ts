/**
 * The two listeners of a server: its services over mutual TLS, and enrolment for those who have no certificate.
 * Health and reflection are on both. docs/protocol.md.
 */
import { randomBytes } from 'node:crypto';
import type { DescService } from '@bufbuild/protobuf';
import type { Server } from '@grpc/grpc-js';
import { formatAddress } from '../core/address.js';
import type { Address } from '../core/address.js';
import type { Caller } from '../core/identity/role.js';
import { ListenerCredentials } from '../core/identity/tls.js';
import { startServer } from '../core/rpc/server.js';
import { addService } from '../core/rpc/service.js';
import type { Asked } from '../core/rpc/service.js';
import { addHealth, addReflection } from '../core/rpc/standard.js';
import type { Health } from '../core/rpc/standard.js';
import { Discovery } from '../gen/glimpse/v1/discovery_pb.js';
import { Election } from '../gen/glimpse/v1/election_pb.js';
import { Enrolment } from '../gen/glimpse/v1/enrolment_pb.js';
import { Stego } from '../gen/glimpse/v1/stego_pb.js';
import type { Closing } from './closing.js';
import { ENROLMENT_CALLERS, enrolmentHandlers } from './discovery/enrolment.js';
import { DISCOVERY_CALLERS, discoveryHandlers } from './discovery/service.js';
import { electionAllows, electionService } from './election/service.js';
import type { Log } from './log.js';
import type { Parts, PartsOptions } from './parts.js';
import { asRefused } from './refusals.js';
import { STEGO_CALLERS, stegoHandlers } from './stego/service.js';

export interface ListeningOptions extends PartsOptions {
  readonly listen: Address;
  readonly enrol: Address;
  /** The host that others are told. */
  readonly advertise: string;
}

export interface Listening {
  /** Where the services are, host:port, as others are told. */
  readonly address: string;
  /** Where newcomers enrol, host:port, as others are told. */
  readonly enrolment: string;
  /** Tells whoever asks for its health to go elsewhere. */
  turnAway(): void;
}

export const LISTENING_LIMITS = {
  /** Calls that are under way when a listener is closed are cancelled after this. */
  callsMs: 1000,
} as const;

/** @throws CannotListen */
export async function listen(options: ListeningOptions, parts: Parts, closing: Closing): Promise<Listening> {
  const { identity } = parts;
  const health: Health[] = [];
  const told = (port: number): string => formatAddress({ host: options.advertise, port });
  const services = await startServer({
    ...options.listen,
    credentials: new ListenerCredentials(identity, 'required'),
    register: (server) => health.push(addServices(server, options, parts)),
  });
  closing.add('services', () => services.stop(LISTENING_LIMITS.callsMs));
  const newcomers = await startServer({
    ...options.enrol,
    credentials: new ListenerCredentials(identity, 'none'),
    callers: 'strangers',
    register: (server) => health.push(addEnrolment(server, options, parts)),
  });
  closing.add('enrolment', () => newcomers.stop(LISTENING_LIMITS.callsMs));
  return {
    address: told(services.port),
    enrolment: told(newcomers.port),
    turnAway: () => health.forEach((one) => one.setServing(false)),
  };
}

function addServices(server: Server, options: ListeningOptions, parts: Parts): Health {
  const { directory, cluster, rates, seat } = parts;
  const edge = {
    authorize: async (caller: Caller, { method }: Asked): Promise<void> => {
      if (caller.role !== 'client') return;
      await directory.caller(caller);
      rates.count(method, caller.name);
    },
    asRefused,
    failed: failure(options.log),
  };
  const fingerprintOf = async (caller: Caller): Promise<Uint8Array> =>
    (await directory.caller(caller)).fingerprint;
  const discovery = discoveryHandlers({
    ...parts,
    authority: cluster.authority,
    server: options.id,
    servers: () => seat.servers(),
    now: options.now,
    drawSerial: () => randomBytes(16),
  });
  const stego = stegoHandlers({
    ...parts,
    id: options.id,
    callers: directory,
    admission: seat,
    secrets: cluster.secrets,
    latestSecretId: cluster.latestSecretId,
    randomBytes,
  });
  const election = electionService(() => seat.ring, fingerprintOf);
  addService(server, Election, election, { ...edge, allow: electionAllows });
  addService(server, Stego, stego, { ...edge, allow: STEGO_CALLERS });
  addService(server, Discovery, discovery, { ...edge, allow: DISCOVERY_CALLERS });
  return addStandard(server, [Election, Stego, Discovery]);
}

function addEnrolment(server: Server, { now, log }: ListeningOptions, parts: Parts): Health {
  const { store, cluster, rates, seat } = parts;
  const handlers = enrolmentHandlers({
    store,
    authority: cluster.authority,
    servers: () => seat.servers(),
    nowMs: () => now().getTime(),
    randomBytes,
  });
  addService(server, Enrolment, handlers, {
    allow: ENROLMENT_CALLERS,
    authorize: (_, { method, network }) => rates.count(method, network),
    asRefused,
    failed: failure(log),
  });
  return addStandard(server, [Enrolment]);
}

function addStandard(server: Server, services: readonly DescService[]): Health {
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
