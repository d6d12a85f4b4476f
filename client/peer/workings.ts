/** What every part of a client works with: who it is, what it keeps, whom it speaks to, and the world's edge. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Vault } from '../vault/vault.js';
import type { Identity as TlsIdentity } from '../../core/identity/tls.js';
import type { ClientKeys } from '../../core/identity/keys.js';
import type { KeyBundle } from '../../gen/glimpse/v1/rights_pb.js';
import type { Cloud } from '../cloud/cloud.js';
import type { Taken } from '../cloud/attend.js';
import type { ServerClients } from '../cloud/servers.js';
import type { PeerLines } from './peer-lines.js';

/** Time and chance. Tests pass their own. */
export interface Edge {
  readonly clock: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Ends early, without throwing, when `signal` is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export const worldEdge: Edge = {
  clock: Date.now,
  random: Math.random,
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};

/** Who this client is, once it has joined. */
export interface Self {
  readonly name: string;
  readonly keys: ClientKeys;
  readonly bundle: KeyBundle;
  readonly fingerprint: Uint8Array;
  readonly imageKey: Uint8Array;
  readonly cloudId: Uint8Array;
  readonly tls: TlsIdentity;
}

/** What happened here that a person who runs `up` may want to know. */
export type Told = (line: string) => void;

export interface Workings {
  readonly self: Self;
  readonly vault: Vault;
  readonly cloud: Cloud;
  readonly servers: (address: string) => ServerClients;
  readonly peers: PeerLines;
  readonly edge: Edge;
  readonly tell: Told;
  /** Acknowledges to the cloud rights that are durable here; does nothing while this client does not attend. */
  readonly acknowledge: (taken: Taken) => void;
  /** Work that nobody waits for; the engine waits for it before it closes. Its failures are told, not thrown. */
  readonly later: (work: Promise<unknown>) => void;
  /** Periods of the deliveries: `PEER_LIMITS` but in tests. */
  readonly periods: Periods;
}

/** Now by the cloud's clock, as far as it is known, ms since 1970. */
export function cloudNowMs({ vault, edge }: Pick<Workings, 'vault' | 'edge'>): number {
  return edge.clock() + (vault.identity.get()?.membership?.clockOffsetMs ?? 0);
}

export interface Periods {
  readonly progressMs: number;
  readonly attempts: number;
  readonly pauseMs: number;
  readonly awayPollMs: number;
}
