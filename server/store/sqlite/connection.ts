/**
 * The way to the file. Writes go to the engine's thread: typed calls, each with a deadline, made again while another
 * process writes. Reads are made here.
 */
import { Piscina } from 'piscina';
import pRetry from 'p-retry';
import { StoreUnavailable } from '../store.js';
import type * as engineThread from './engine.worker.js';
import type { EngineData, Reply } from './engine.worker.js';
import { failureOf } from './failure.js';
import type { Failure } from './failure.js';
import { Reads } from './reads.js';

/**
 * How long a caller waits for the disk, the queue and other processes, all together. Longer rides out a slow
 * disk, shorter frees the caller to ask another server.
 */
export const callMs = 5_000;
/** How long opening may take: the thread starts, and other processes may be creating the file. */
const openMs = 30_000;
/** Calls that wait. Beyond it the server is overloaded and says so at once. */
const callsWaitingMax = 10_000;
/** Least pause after the file was found busy, by the thread for a while; the most, by jitter, is twice that. */
const busyPauseMs = 1;

type Thread = typeof engineThread;
type Name = keyof {
  [N in keyof Thread as Thread[N] extends (asked: never) => Reply<unknown> ? N : never]: true;
};
type Asked<N extends Name> = Parameters<Thread[N]>[0];
type Value<N extends Name> = ReturnType<Thread[N]> extends Reply<infer V> ? V : never;

/** Another process writes. */
class Busy extends Error {}

export class Connection {
  readonly #pool: Piscina;
  readonly #file: string;
  #reads: Reads | undefined;
  #closed = false;

  constructor(file: string) {
    this.#file = file;
    this.#pool = new Piscina({
      filename: new URL('./engine.worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: 1,
      maxQueue: callsWaitingMax,
      recordTiming: false,
      workerData: { file } satisfies EngineData,
    });
  }

  /** `asked` is evaluated for each attempt. @throws StoreUnavailable */
  async call<N extends Name>(name: N, asked: () => Asked<N>): Promise<Value<N>> {
    if (this.#closed) throw closed();
    return this.#withDeadline(this.#persist(() => this.#run(name, asked()), callMs));
  }

  /** As `call`, for as long as it takes: for those whose callers have deadlines of their own. @throws StoreUnavailable */
  async callPatiently<N extends Name>(name: N, asked: () => Asked<N>): Promise<Value<N>> {
    if (this.#closed) throw closed();
    return this.#persist(() => this.#run(name, asked()), Infinity);
  }

  /** Opens the file, which every call would do too, with more patience. @throws StoreUnavailable */
  async open(): Promise<void> {
    await this.#withDeadline(
      this.#persist(() => this.#run('open', undefined), openMs),
      openMs,
    );
    await this.read((reads) => reads.head());
  }

  /** `ask` is called once, or again while the file is busy, and answers at once. @throws StoreUnavailable */
  async read<T>(ask: (reads: Reads) => T): Promise<T> {
    try {
      return this.readAtOnce(ask);
    } catch (error) {
      if (!(error instanceof Busy)) throw error;
      return this.#withDeadline(this.#persist(async () => this.readAtOnce(ask), callMs));
    }
  }

  /** As `read`, but waits for nothing. @throws StoreUnavailable, and Busy as soon as the file is */
  readAtOnce<T>(ask: (reads: Reads) => T): T {
    if (this.#closed) throw closed();
    try {
      return ask((this.#reads ??= Reads.open(this.#file)));
    } catch (error) {
      const failure = failureOf(error, this.#file);
      throw failure ? this.#failed(failure) : error;
    }
  }

  /** What a caller is told that waited for too long. */
  late(waitedMs = callMs): StoreUnavailable {
    return new StoreUnavailable(
      `${this.#file} did not answer within ${waitedMs} ms: is its disk overloaded, or a process that uses it stopped?`,
    );
  }

  /** @throws StoreUnavailable if the promise does not settle in time */
  #withDeadline<T>(call: Promise<T>, deadlineMs = callMs): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.late(deadlineMs)), deadlineMs);
      call
        .catch((error: unknown) => {
          throw error instanceof Busy ? this.late(deadlineMs) : error;
        })
        .finally(() => clearTimeout(timer))
        .then(resolve, reject);
    });
  }

  /** Lets go of the file; calls under way are answered first. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#reads?.close();
    await this.#withDeadline(this.#run('close', undefined)).catch(() => undefined);
    await this.#pool.destroy();
  }

  #persist<T>(attempt: () => Promise<T>, forMs: number): Promise<T> {
    return pRetry(attempt, {
      retries: Infinity,
      maxRetryTime: forMs,
      minTimeout: busyPauseMs,
      factor: 1,
      randomize: true,
      shouldRetry: ({ error }) => error instanceof Busy,
    });
  }

  async #run<N extends Name>(name: N, asked: Asked<N>): Promise<Value<N>> {
    if (this.#pool.queueSize >= callsWaitingMax) {
      throw new StoreUnavailable('the store is overloaded: ask another server, or again');
    }
    const reply = await this.#reply(name, asked);
    if (reply.ok) return reply.value;
    throw this.#failed(reply.failure);
  }

  #failed(failure: Failure): Error {
    return failure.type === 'busy'
      ? new Busy(`${this.#file} is busy`)
      : new StoreUnavailable(failure.message);
  }

  async #reply<N extends Name>(name: N, asked: Asked<N>): Promise<Reply<Value<N>>> {
    try {
      return (await this.#pool.run(asked, { name })) as Reply<Value<N>>;
    } catch (error) {
      throw this.#closed ? closed() : error;
    }
  }
}

function closed(): StoreUnavailable {
  return new StoreUnavailable('the store is closed: this server stops, ask another');
}
