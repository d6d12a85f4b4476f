/** The limits of the engine over etcd. */
export const ETCD_LIMITS = {
  /**
   * One attempt at a call. Shorter gives up writes that a busy disk would have done, longer makes those wait that
   * were under way when etcd lost its leader.
   */
  attemptMs: 1_000,
  /** A call with all its attempts: longer than etcd takes to elect a leader, shorter than a caller's own deadline. */
  callMs: 3_000,
  /** Before a call is tried again, with as much jitter: shorter presses members that elect, longer adds to the gap. */
  pauseMs: 25,
  /** A member that failed is asked last for so long: shorter finds it dead again, longer leaves it idle when it is back. */
  distrustMs: 2_000,
  /**
   * One message from etcd: a page of the largest rows fits. Larger lets a watch catch up that was further behind,
   * smaller makes it list again.
   */
  messageBytesMax: 16 * 1024 * 1024,
  /** Rows of a list that are asked for at once, so that they fit a message whatever their size. */
  pageRows: 200,
  /** A watch that hears nothing asks for a sign of life this often... */
  pulseMs: 500,
  /** ...and goes to another member after this much silence. Shorter suspects busy members, longer is blind longer. */
  silenceMs: 1_500,
  /** A watch looks for a member to go on with for so long before its follower is told that the store is away. */
  resumeMs: 2_500,
  /** A lease is renewed so many times in its life: more ride out an election, fewer write less. */
  renewalsPerLife: 4,
  /**
   * From one compaction to the next; what is compacted is at least as old as this. Shorter breaks watches that were
   * away, longer keeps superseded rows on etcd's disks (2 GiB unless it is told otherwise).
   */
  compactMs: 300_000,
} as const;
