/** The limits of a gallery; what travels has its limits in core/limits.ts. */
export const GALLERY_LIMITS = {
  /** Photos of one gallery: what a person may still look through. The rest is left out with a notice. */
  photosMax: 10_000,
  /** Files and folders that a scan looks at, photos or not, so that a whole disk is not walked by mistake. */
  entriesMax: 200_000,
  /** Folders within folders. */
  depthMax: 32,
  /** Notices about files that cannot be served. More of the same helps nobody. */
  noticesMax: 1_000,
  /** Pixels of a photo: cameras make 102 megapixels. Beyond, a small file may want gigabytes to be decoded. */
  photoPixelsMax: 2 ** 27,
  /** How long one photo may take to decode. */
  decodeSecondsMax: 30,
  /**
   * Photos that are read, and held in memory, at once: four of the largest are a quarter of a gigabyte. Fewer than two
   * a core, and cores wait while a photo is read and its index written.
   */
  examinationsMax: 4,
  /** Longer side of a thumbnail: two to a phone's width, some 10 KB. */
  thumbnailSideMax: 256,
  /** A photo is read in chunks of this size: hashing one holds the event loop for less than a millisecond. */
  chunkBytes: 256 * 1024,
  /** Longer side of a cover of one's own as it is sent: the largest carriers are some 5,000 pixels wide. */
  coverSideMax: 2_048,
} as const;
