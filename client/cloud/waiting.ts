/**
 * Waiting as a server asked for it (TRY_LATER, google.rpc.RetryInfo). Somewhat longer than told, by chance, so that
 * those who were turned away together do not come back together. docs/protocol.md, "Errors".
 */
import { setTimeout } from 'node:timers/promises';
import { Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { CLOUD_LIMITS } from './limits.js';

/** Whether a server had no room: nothing was done, and the same may be asked again. */
export function isTurnedAway(error: unknown): error is Refused {
  return error instanceof Refused && error.reason === Reason.TRY_LATER;
}

/** Between the wait that was told, bounded, and one and a half times that; `chance` is 0 to 1. */
export function waitMs({ retryAfterMs = 0 }: Refused, chance: number): number {
  return Math.min(retryAfterMs, CLOUD_LIMITS.toldWaitMsMax) * (1 + chance / 2);
}

/** Waits if the error asks for it, `leftMs` at most. @throws the signal's reason */
export async function waitAsTold(error: unknown, signal?: AbortSignal, leftMs = Infinity): Promise<void> {
  if (!isTurnedAway(error)) return;
  signal?.throwIfAborted();
  const ms = Math.max(0, Math.min(waitMs(error, Math.random()), leftMs));
  await setTimeout(ms, undefined, signal && { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}
