/**
 * Watches: each a stream of its own to one member. It begins after a revision that the store is known to have had
 * at the call, so nothing can fall between it and a later list. When its member fails, another goes on from the
 * last revision that was told; where that is compacted, or no member answers, it ends.
 */
import { setTimeout } from 'node:timers/promises';
import { KV, Watch } from '../../../gen/etcd/etcdserverpb/rpc_pb.js';
import type { WatchResponse } from '../../../gen/etcd/etcdserverpb/rpc_pb.js';
import { Event_EventType } from '../../../gen/etcd/mvccpb/kv_pb.js';
import type { Event } from '../../../gen/etcd/mvccpb/kv_pb.js';
import { StoreUnavailable } from '../store.js';
import type { Change } from '../store.js';
import type { Calls } from './calls.js';
import type { Endpoint, Stream } from './endpoint.js';
import type { Keys } from './keys.js';
import { ETCD_LIMITS } from './limits.js';

type WatchStream = Stream<typeof Watch.method.watch.input, typeof Watch.method.watch.output>;

/** Where a watch is, and since when it has heard nothing. */
interface Place {
  readonly prefix: string;
  position: number;
  awayUntilMs: number | undefined;
}

export class Watches {
  readonly #calls: Calls;
  readonly #keys: Keys;
  readonly #nowMs: () => number;
  readonly #closing = new AbortController();

  constructor(calls: Calls, keys: Keys, nowMs: () => number) {
    this.#calls = calls;
    this.#keys = keys;
    this.#nowMs = nowMs;
  }

  watch(
    prefix: string,
    signal: AbortSignal,
    fromRevision: number | undefined,
  ): AsyncIterable<readonly Change[]> {
    const position = fromRevision ?? this.#calls.revision;
    return this.#follow({ prefix, position, awayUntilMs: undefined }, signal);
  }

  /** Ends all of them. */
  close(): void {
    this.#closing.abort();
  }

  async *#follow(place: Place, signal: AbortSignal): AsyncGenerator<readonly Change[]> {
    const ending = AbortSignal.any([signal, this.#closing.signal]);
    let hasBegun = false;
    while (!ending.aborted) {
      for await (const response of this.#heard(place, ending)) {
        if (!hasBegun) yield [];
        hasBegun = true;
        await this.#check(response, place);
        const changes = response.events.map((event) => this.#changeOf(event));
        place.position = Math.max(place.position, ...changes.map(revisionOf));
        if (changes.length > 0 && !isAborted(ending)) yield changes;
      }
    }
    if (!signal.aborted) throw new StoreUnavailable('the store is closed');
  }

  /** What one member says, from the place on. Ends where another may go on. @throws StoreUnavailable where none can */
  async *#heard(place: Place, ending: AbortSignal): AsyncGenerator<WatchResponse> {
    place.awayUntilMs ??= this.#nowMs() + ETCD_LIMITS.resumeMs;
    const { endpoint, metadata } = await this.#calls.member(place.awayUntilMs);
    const stream = endpoint.open(Watch.method.watch, metadata);
    const cancel = () => stream.cancel();
    ending.addEventListener('abort', cancel);
    if (ending.aborted) cancel();
    try {
      stream.write(this.#creation(place));
      for await (const response of this.#alive(stream, ending)) {
        place.awayUntilMs = undefined;
        this.#calls.heard(response);
        yield response;
      }
    } catch (error) {
      if (!isAborted(ending)) await this.#pause(endpoint, place, error);
    } finally {
      ending.removeEventListener('abort', cancel);
      cancel();
    }
  }

  /** The stream's responses; cancels it when it does not answer while somebody waits. */
  async *#alive(stream: WatchStream, ending: AbortSignal): AsyncGenerator<WatchResponse> {
    let waitsSinceMs: number | undefined;
    const pulse = setInterval(() => {
      if (waitsSinceMs === undefined) return;
      if (this.#nowMs() - waitsSinceMs > ETCD_LIMITS.silenceMs) stream.cancel();
      else stream.write({ requestUnion: { case: 'progressRequest', value: {} } });
    }, ETCD_LIMITS.pulseMs);
    // Also where the watch is dropped between two items, and nobody asks for the next.
    const rest = (): void => clearInterval(pulse);
    ending.addEventListener('abort', rest, { once: true });
    try {
      for (;;) {
        waitsSinceMs = this.#nowMs();
        const next = await stream.responses.next();
        waitsSinceMs = undefined;
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      ending.removeEventListener('abort', rest);
      rest();
    }
  }

  /** Before another member is asked. @throws StoreUnavailable if that is of no use */
  async #pause(endpoint: Endpoint, place: Place, error: unknown): Promise<void> {
    const failure = this.#calls.broke(endpoint, error);
    place.awayUntilMs ??= this.#nowMs() + ETCD_LIMITS.resumeMs;
    const isFinal = failure.type === 'refused' || failure.type === 'compacted';
    if (isFinal || this.#nowMs() >= place.awayUntilMs) throw failure;
    await setTimeout(ETCD_LIMITS.pauseMs * (1 + Math.random()));
  }

  #creation({ prefix, position }: Place) {
    const range = this.#keys.range(prefix)!;
    const value = { ...range, startRevision: BigInt(position + 1) };
    return { requestUnion: { case: 'createRequest' as const, value } };
  }

  /** @throws StoreUnavailable where the watch has a gap */
  async #check(response: WatchResponse, { position }: Place): Promise<void> {
    if (response.compactRevision > 0n) {
      throw new StoreUnavailable(
        `changes after revision ${position} are no longer known: watch and list again`,
      );
    }
    if (response.canceled) throw new StoreUnavailable(`etcd ended the watch: ${response.cancelReason}`);
    // A member may lag behind; the store itself may not.
    if (!response.created || Number(response.header?.revision ?? 0) >= position) return;
    const { header } = await this.#calls.repeat(KV.method.range, { ...this.#keys.range('')!, limit: 1n });
    if (Number(header?.revision ?? 0) >= position) return;
    this.#calls.forget();
    throw new StoreUnavailable(
      `the store has not come to revision ${position}: it was put back; watch and list again`,
    );
  }

  #changeOf({ type, kv }: Event): Change {
    const row = this.#keys.row(kv!);
    return type === Event_EventType.DELETE
      ? { type: 'delete', key: row.key, revision: row.revision }
      : { type: 'put', row };
  }
}

const revisionOf = (change: Change): number =>
  change.type === 'put' ? change.row.revision : change.revision;

/** The signal may have changed while something was awaited. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
