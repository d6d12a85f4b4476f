/** The limits of the vault; sizes of what travels are in core/limits.ts. */
export const VAULT_LIMITS = {
  /**
   * How long SQLite waits, and the event loop with it, for other processes to finish their writes of milliseconds.
   * Its lock is not fair and disks stall: one second was not enough for three processes that write without pause.
   */
  busyMs: 5_000,
  /** Knocks and requests of one peer, so that none can fill the list of the others. */
  requestsPerPeerMax: 64,
  /** Knocks and requests in all: as many as a person can go through. */
  requestsMax: 1_024,
  /** Lines of a peer's listing that are remembered: `photosMax` of a gallery. */
  listingLinesMax: 10_000,
  /** Rights held without their picture: the ledger may speak before the delivery. Per owner. */
  awaitedPerOwnerMax: 1_000,
  /** Heads of one log that are remembered, the longest. More show where a rewritten log was touched far back. */
  headsPerGrantMax: 1_000,
  /** Deliveries that have begun to come, for all peers together. */
  incomingMax: 64,
  /** How long a broken delivery waits to be resumed, and a stray file to be claimed. */
  leftoverMs: 24 * 3_600_000,
  /** Memory of one scrypt, 128 r (N + p + 2): four times what we choose. More would let a planted vault exhaust a small computer. */
  scryptBytesMax: 2 ** 29,
  /** How many times over it is worked through: ours is 1. More would let a planted vault hold a command for minutes. */
  scryptParallelMax: 4,
} as const;
