/**
 * One call, asked of one server after another until one answers. Every call made through here is safe to repeat:
 * ids are made outside, and what a server did before it died is found done by the next.
 */
import pRetry from 'p-retry';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import { CLOUD_LIMITS } from './limits.js';
import { demote, learn } from './rules/servers.js';
import { waitAsTold } from './waiting.js';

/** What one attempt is given: passed on to the call it makes. */
export interface AttemptOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface FailoverOptions {
  /** How long one server may take in the first lap. */
  readonly attemptMs?: number;
  /** How often all servers are asked, with pauses in between. */
  readonly laps?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A server that refuses so is as good as gone: what does without a cloud does without it then. */
const absent: readonly Reason[] = [Reason.DRAINING, Reason.STORE_UNAVAILABLE];

/** Refusals that another server, or the same a moment later, may not repeat. */
const passing: readonly Reason[] = [...absent, Reason.NO_LEADER, Reason.TRY_LATER, Reason.INTERNAL];

function isAbsent(error: unknown): error is Error {
  return error instanceof Unreachable || (error instanceof Refused && absent.includes(error.reason));
}

export function isPassing(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Refused && passing.includes(error.reason));
}

/** No server answered, or none could serve: not one peer or server that is away. */
export class CloudUnreachable extends Unreachable {}

/** The servers of one cloud, in the order in which they are to be asked. */
export class Failover<Server> {
  readonly #connect: (address: string) => Server;
  #order: readonly string[];
  /** Until then, by the monotonic clock, no server is expected to answer. */
  #suspectUntilMs = 0;

  constructor(servers: readonly string[], connect: (address: string) => Server) {
    this.#order = servers;
    this.#connect = connect;
  }

  get order(): readonly string[] {
    return this.#order;
  }

  /** Takes in the addresses that a server told. */
  learn(told: readonly string[]): void {
    this.#order = learn(this.#order, told, CLOUD_LIMITS.serversMax);
  }

  /** Asks `address` last from now on. */
  demote(address: string): void {
    this.#order = demote(this.#order, address);
  }

  /** No server answered just now: for a while each is asked once, so that peers need not wait for a dead cloud. */
  suspect(): void {
    this.#suspectUntilMs = performance.now() + CLOUD_LIMITS.suspectMs;
  }

  /** A server answered. */
  trust(): void {
    this.#suspectUntilMs = 0;
  }

  /** @throws Unreachable when no server could serve in time; whatever else the call is refused with */
  async call<Answer>(
    attempt: (server: Server, options: AttemptOptions) => Promise<Answer>,
    { attemptMs = CLOUD_LIMITS.attemptMs, laps = Infinity, signal }: FailoverOptions = {},
  ): Promise<Answer> {
    const wholeMs = CLOUD_LIMITS.attemptsPerCall * attemptMs;
    const begunMs = performance.now();
    const lapsMax = begunMs < this.#suspectUntilMs ? 1 : laps;
    const leftMs = (): number => wholeMs - (performance.now() - begunMs);
    const deadlineMs = (number: number): number =>
      Math.ceil(Math.max(CLOUD_LIMITS.attemptMsMin, Math.min(attemptMs * number, leftMs())));
    const lap = (number: number): Promise<Answer> => this.#lap(attempt, deadlineMs(number), signal);
    try {
      const answer = await pRetry(lap, {
        retries: lapsMax - 1,
        minTimeout: CLOUD_LIMITS.pauseMsMin,
        maxTimeout: CLOUD_LIMITS.pauseMsMax,
        maxRetryTime: wholeMs,
        randomize: true,
        onFailedAttempt: ({ error, retriesLeft }) =>
          retriesLeft > 0 ? waitAsTold(error, signal, leftMs()) : undefined,
        shouldRetry: ({ error }) => isPassing(error),
        signal,
      });
      this.trust();
      return answer;
    } catch (error) {
      if (!isAbsent(error)) throw error;
      this.suspect();
      if (error instanceof Refused) {
        throw new CloudUnreachable(`No server of the cloud can serve now: ${error.message}`, {
          cause: error,
        });
      }
      const tried = this.#order.join(', ') || 'no address is known';
      throw new CloudUnreachable(
        `The cloud cannot be reached (${tried}). Check that it runs and that this computer is connected, then try again.`,
        { cause: error },
      );
    }
  }

  async #lap<Answer>(
    attempt: (server: Server, options: AttemptOptions) => Promise<Answer>,
    deadlineMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    let failure: unknown = new Unreachable('no server is known');
    for (const address of this.#order) {
      try {
        return await attempt(this.#connect(address), { deadlineMs, ...(signal && { signal }) });
      } catch (error) {
        if (!isPassing(error) || signal?.aborted) throw error;
        this.demote(address);
        failure = error;
      }
    }
    throw failure;
  }
}
