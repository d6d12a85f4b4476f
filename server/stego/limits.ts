/** The limits of hiding, together. Those of the formats are in core/limits.ts. */
export const STEGO_LIMITS = {
  /** Hidings under way at once. More would share the same cores and all be slow; who comes next is refused. */
  hidesMax: 16,
  /** Declared bytes, covers and payloads, of all of them: what one holds in memory is about twice its own. */
  declaredBytesMax: 268_435_456,
  /** Bands in the making for one hiding, so that two workers are busy while a third band is collected. */
  bandsAhead: 3,
  /** Silence of an owner, sending or receiving, after which the hiding ends and its place is free. */
  idleMs: 30_000,
  /** Longer side at which a decoded cover is kept. A larger carrier enlarges it; nobody looks for the difference. */
  coverSideMax: 4_096,
  /** Decoded covers that are kept for the next hiding: two of the largest, a hundred of the usual. */
  coverCacheBytesMax: 134_217_728,
} as const;
