/** Every limit of the formats, docs/format.md, "Limits": a decoder checks against these before it allocates. */
export const LIMITS = {
  /** A photo's file. A carrier of it has about 22 megapixels. */
  photoBytesMax: 67_108_864,
  /** The sealed payload: `sealed(2 + headerBytesMax + photoBytesMax)`. */
  sealedBytesMax: 67_126_290,
  /** The hidden payload: `sealed(sealedBytesMax)`. */
  payloadBytesMax: 67_142_690,
  /** A carrier's file, re-saved by whatever program. */
  carrierBytesMax: 268_435_456,
  /** Width and height of a carrier in pixels: what the common encoders of PNG and WebP still take. */
  carrierSideMax: 16_384,
  /** Sides of a carrier in pixels: narrower, the slot would take more rows than a small photo. */
  carrierSideMin: 64,
  /** Width times height: the largest payload and its slot. A decoder holds at most six bytes a pixel. */
  carrierPixelsMax: 24_500_000,
  /** The capsule slot. */
  slotBytes: 2_048,
  /** An `IDAT` of our layout, and the rows in it: what a streaming reader holds of each. */
  idatBytesMax: 1_048_576,
  /** A cover's file. */
  coverBytesMax: 33_554_432,
  /** Pixels of a cover that an owner chose, before her client makes it smaller. */
  coverPixelsMax: 50_000_000,
  /** Plaintext of a sealed segment: both locks work on one at a time. */
  segmentBytes: 65_536,
  /** An encoded `Rights`. */
  rightsBytesMax: 1_024,
  /** An encoded `PhotoHeader`. */
  headerBytesMax: 1_024,
  /** An encoded `LogEntry`. */
  logEntryBytesMax: 512,
} as const;
