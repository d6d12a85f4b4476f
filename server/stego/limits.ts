/** The limits of hiding, together. Those of the formats are in core/limits.ts. */
export const STEGO_LIMITS = {
  /**
   * Hidings under way at once. More share the same cores, hold more memory and make the event loop late for all; with
   * fewer a few owners who neither send nor read keep the others waiting, for as long as `idleMs`.
   */
  hidesMax: 6,
  /** Hidings that wait for room. More wait longer than anybody likes; fewer send owners away to try again. */
  waitingMax: 48,
  /** Streams in all, those too that have not said yet what they are: each holds a window of unread input, 1 MiB. */
  streamsMax: 128,
  /** Between the start of a stream and its header. Longer lets idle streams hold their places; shorter cuts off owners on busy computers. */
  headerMs: 15_000,
  /** How long one waits for room before it is sent away. Longer than a client takes silence for death would be in vain. */
  roomMs: 5_000,
  /** What those who are sent away are told to wait: about what a hiding takes on a busy machine. */
  retryAfterMs: 1_000,
  /** Declared bytes, covers and payloads, of all of them: what one holds in memory is about twice its own. */
  declaredBytesMax: 268_435_456,
  /** Bands in the making for one hiding, so that two workers are busy while a third band is collected. */
  bandsAhead: 3,
  /** Silence of an owner, sending or receiving, after which the hiding ends and its place is free. */
  idleMs: 30_000,
  /**
   * Pixels of a cover that comes. A progressive JPEG is not decoded in strips but held whole, in six bytes a pixel, so
   * one is decoded at a time. Owners' clients send a quarter of this.
   */
  coverPixelsMax: 16_777_216,
  /** Longer side at which a decoded cover is kept. A larger carrier enlarges it; nobody looks for the difference. */
  coverSideMax: 4_096,
  /** Decoded covers that are kept for the next hiding: two of the largest, a hundred of the usual. */
  coverCacheBytesMax: 134_217_728,
  /**
   * A thread without bands to make is kept for so long. To start one takes longer than a band: ended at once, as a pool
   * does it, hiding 4 MB took twice the time. Kept, it holds some 10 MB.
   */
  bandThreadIdleMs: 60_000,
  /**
   * How much bands stand back (nice(2); of one thread on Linux) for event loops, the own one and those of other
   * processes. Less, and with more to hide than there are cores, everybody waits for bands; more, and a machine that
   * does something else as well never hides.
   */
  bandNice: 15,
} as const;
