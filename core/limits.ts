/** Every limit of the formats, docs/format.md, "Limits": a decoder checks against these before it allocates. */
export const LIMITS = {
  /** A photo's file. A carrier of it has about 22 megapixels. */
  photoBytesMax: 67_108_864,
  /** The hidden payload: the photo, its header, two locks, rounded up. */
  payloadBytesMax: 71_303_168,
  /** A carrier's file, re-saved by whatever program. */
  carrierBytesMax: 268_435_456,
  /** Width and height of a carrier in pixels: what the common encoders of PNG and WebP still take. */
  carrierSideMax: 16_384,
  /** Width times height: the largest payload with its slot, and a little. Decoding takes six bytes a pixel. */
  carrierPixelsMax: 25_165_824,
  /** Sides of a carrier in pixels: narrower, the slot would take more rows than the photo. */
  carrierSideMin: 64,
  /** The capsule slot. */
  slotBytes: 2_048,
  /** Data of one IDAT that a streaming reader holds, and what it inflates to. Writers make them half as long. */
  bandBytesMax: 4_194_304,
  /** Plaintext of a sealed segment. Both locks work on one at a time. */
  segmentBytes: 65_536,
  /** An encoded `Rights`. */
  rightsBytesMax: 1_024,
  /** An encoded `PhotoHeader`. */
  headerBytesMax: 1_024,
} as const;
