/**
 * Follows a prefix for as long as a server lives: a watch that breaks is begun again, and its follower is told
 * that it must look at everything anew.
 */
import { setTimeout } from 'node:timers/promises';
import { StoreUnavailable } from './store.js';
import type { Change, Store } from './store.js';

export interface Follower {
  /** Changes follow without a gap from here on; what was known before may be old. */
  began(): void | Promise<void>;
  changed(changes: readonly Change[]): void;
  /** Nothing is known until it begins again. */
  broke(): void;
}

export const FOLLOW_LIMITS = {
  /** Between a watch that broke and the next. Shorter presses a store in trouble, longer leaves caches blind. */
  pauseMs: 200,
} as const;

/** Resolves when the signal aborts; rejects only with what is neither that nor StoreUnavailable. */
export async function follow(
  store: Store,
  prefix: string,
  follower: Follower,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const watch = store.watch(prefix, { signal });
      await follower.began();
      for await (const changes of watch) follower.changed(changes);
    } catch (error) {
      if (!(error instanceof StoreUnavailable || isAborted(signal))) throw error;
    }
    follower.broke();
    await setTimeout(FOLLOW_LIMITS.pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** The signal may have changed while something was awaited. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
