/**
 * The cloud as a client sees it: one thing that answers, whichever server does. docs/protocol.md, "Peers".
 * Attending, hiding and unlocking stand in files of their own.
 */
import { EMPTY_LOG_HEAD } from '../../core/rights/log.js';
import { readRights } from '../../core/rights/signed.js';
import { Unreachable } from '../../core/rpc/errors.js';
import type {
  Entry,
  GrantSide,
  GrantStatus,
  RefusalCount,
  ReportOfflineResponse,
} from '../../gen/glimpse/v1/discovery_pb.js';
import type { WatchResponse } from '../../gen/glimpse/v1/election_pb.js';
import type { SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import type { AttemptOptions, Failover, FailoverOptions } from './failover.js';
import { isPassing } from './failover.js';
import { CLOUD_LIMITS } from './limits.js';
import type { ServerClients } from './servers.js';

/** A grant's log as the servers tell it. */
export interface GrantLog {
  /** Encoded, from the first. */
  readonly entries: readonly Uint8Array[];
  readonly refusals: readonly RefusalCount[];
  /** The head that the servers tell with it. */
  readonly head: Uint8Array;
}

export class Cloud {
  readonly #failover: Failover<ServerClients>;

  constructor(failover: Failover<ServerClients>) {
    this.#failover = failover;
  }

  get servers(): readonly string[] {
    return this.#failover.order;
  }

  learn(servers: readonly string[]): void {
    this.#failover.learn(servers);
    this.#failover.trust();
  }

  /** No server could be attended at. */
  suspect(): void {
    this.#failover.suspect();
  }

  demote(address: string): void {
    this.#failover.demote(address);
  }

  /** For calls of other files that are safe to repeat. */
  call<Answer>(
    attempt: (server: ServerClients, options: AttemptOptions) => Promise<Answer>,
    options?: FailoverOptions,
  ): Promise<Answer> {
    return this.#failover.call(attempt, options);
  }

  /** Whether any server answers, asked once each. */
  async answers(name: string): Promise<boolean> {
    try {
      await this.call((at, each) => at.discovery.lookUp({ name }, each), { laps: 1 });
      return true;
    } catch (error) {
      return !isPassing(error);
    }
  }

  /** @throws Refused UNKNOWN_PEER */
  async lookUp(name: string, options?: FailoverOptions): Promise<Entry> {
    const { entry } = await this.call((at, each) => at.discovery.lookUp({ name }, each), options);
    if (!entry) throw new Unreachable(`the directory's answer about ${name} is empty`);
    return entry;
  }

  /** All names of the directory, in order. */
  async list(): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (let page = 0; page < CLOUD_LIMITS.pagesMax; page += 1) {
      const after = entries.at(-1)?.name ?? '';
      const answer = await this.call((at, each) => at.discovery.list({ after, onlineOnly: false }, each));
      entries.push(...answer.entries);
      if (!answer.more || answer.entries.length === 0) break;
    }
    return entries;
  }

  /** Views spent so far. @throws Refused VERSION_CONFLICT, GRANT_EXISTS with the current rights */
  async putRights(signedRights: SignedRights): Promise<number> {
    return (await this.call((at, each) => at.discovery.putRights({ signedRights }, each))).used;
  }

  /** Those of `grantIds` that the ledger has and this client is a party to. */
  async readGrants(grantIds: readonly Uint8Array[], options?: FailoverOptions): Promise<GrantStatus[]> {
    const grants: GrantStatus[] = [];
    for (let at = 0; at < grantIds.length; at += CLOUD_LIMITS.grantsPerCall) {
      const some = grantIds.slice(at, at + CLOUD_LIMITS.grantsPerCall);
      const answer = await this.call(
        (server, each) => server.discovery.readGrants({ grantIds: some }, each),
        options,
      );
      grants.push(...answer.grants);
    }
    return grants;
  }

  /** The same by grant id in hex; empty while the cloud cannot be reached. */
  async grantsById(grantIds: readonly Uint8Array[]): Promise<ReadonlyMap<string, GrantStatus>> {
    try {
      const grants = grantIds.length === 0 ? [] : await this.readGrants(grantIds);
      return new Map(grants.map((status) => [Buffer.from(grantIdOf(status)).toString('hex'), status]));
    } catch (error) {
      if (error instanceof Unreachable) return new Map();
      throw error;
    }
  }

  /**
   * All grants that this client gave or holds, and how many keys of its name were replaced.
   * @param former 0: under its keys; n: under the keys that were replaced n recoveries ago
   */
  async listGrants(
    side: GrantSide,
    former = 0,
  ): Promise<{ readonly grants: readonly GrantStatus[]; readonly formerKeys: number }> {
    const grants: GrantStatus[] = [];
    let after: Uint8Array = new Uint8Array();
    for (let page = 0; ; page += 1) {
      const asked = { side, former, after };
      const answer = await this.call((at, each) => at.discovery.listGrants(asked, each));
      grants.push(...answer.grants);
      const { formerKeys } = answer;
      if (!answer.more || answer.grants.length === 0 || page >= CLOUD_LIMITS.pagesMax)
        return { grants, formerKeys };
      after = grantIdOf(answer.grants.at(-1)!);
    }
  }

  /** @throws Refused UNKNOWN_GRANT */
  async revokeFormer(grantId: Uint8Array): Promise<void> {
    await this.call((at, each) => at.discovery.revokeFormer({ grantId }, each));
  }

  /** The whole log of a grant. @throws Refused UNKNOWN_GRANT */
  async readLog(grantId: Uint8Array): Promise<GrantLog> {
    const entries: Uint8Array[] = [];
    const refusals: RefusalCount[] = [];
    let head = EMPTY_LOG_HEAD;
    for (let page = 0; page < CLOUD_LIMITS.pagesMax; page += 1) {
      const after = entries.length;
      const answer = await this.call((at, each) => at.discovery.readLog({ grantId, after }, each));
      entries.push(...answer.entries);
      refusals.push(...answer.refusals);
      head = answer.head;
      if (!answer.more || answer.entries.length === 0) break;
    }
    return { entries, refusals, head };
  }

  async recordDelivery(grantId: Uint8Array, snapshot: Uint8Array): Promise<void> {
    await this.call((at, each) => at.discovery.recordDelivery({ grantId, snapshot }, each));
  }

  async reportOffline(name: string, sessionId: Uint8Array): Promise<ReportOfflineResponse> {
    return this.call((at, each) => at.discovery.reportOffline({ name, sessionId }, each));
  }

  /** A fresh certificate for the same name and key, DER. */
  async renew(certificateRequest: Uint8Array): Promise<Uint8Array> {
    return (await this.call((at, each) => at.discovery.renew({ certificateRequest }, each))).certificate;
  }

  async leave(): Promise<void> {
    await this.call((at, each) => at.discovery.leave({}, each));
  }

  /** The ring, as one server after another sees it, until `signal`. @throws Unreachable when none tells any more */
  async *watchRing(signal?: AbortSignal): AsyncGenerator<WatchResponse> {
    while (!signal?.aborted) {
      const { first, rest, address } = await this.call((at) => opened(at, signal));
      yield first;
      try {
        yield* rest;
      } catch (error) {
        if (!isPassing(error) || signal?.aborted) throw error;
      }
      this.demote(address);
    }
  }
}

/** A watch counts as begun when its first state has come; the deadline of a call must not end it later. */
async function opened(
  at: ServerClients,
  signal: AbortSignal | undefined,
): Promise<{ first: WatchResponse; rest: AsyncIterable<WatchResponse>; address: string }> {
  const given = new AbortController();
  const late = setTimeout(() => given.abort(new Unreachable('no answer')), CLOUD_LIMITS.attemptMs);
  const either = signal ? AbortSignal.any([signal, given.signal]) : given.signal;
  const states = at.election.watch({}, { signal: either })[Symbol.asyncIterator]();
  try {
    const first = await states.next();
    if (first.done) throw new Unreachable(`${at.address} told nothing about the ring`);
    return { first: first.value, rest: { [Symbol.asyncIterator]: () => states }, address: at.address };
  } finally {
    clearTimeout(late);
  }
}

function grantIdOf(status: GrantStatus): Uint8Array {
  if (!status.signedRights) throw new Unreachable('a server listed a grant without its rights');
  return readRights(status.signedRights).grantId;
}
