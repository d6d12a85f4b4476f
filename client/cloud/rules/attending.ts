/** How long to wait before attending again. Pure. docs/protocol.md, "Discovery". */
import { CLOUD_LIMITS } from '../limits.js';

/**
 * Attempts in a row that came to little, after one more that was present for so long, ms (0: never). One that was
 * longer present than the pause before the next would be came to something: servers that are restarted one after the
 * other break it often, and nobody is to be away for longer each time.
 */
export function failuresAfter(failures: number, presentMs: number): number {
  return presentMs > Math.max(CLOUD_LIMITS.attendShortMs, pauseMs(failures, 0.5)) ? 0 : failures + 1;
}

/** @param chance in [0, 1) */
export function pauseMs(failures: number, chance: number): number {
  const grown = CLOUD_LIMITS.attendPauseMsMin * 2 ** Math.min(failures, 10);
  return Math.min(grown, CLOUD_LIMITS.attendPauseMsMax) * (0.5 + chance);
}
