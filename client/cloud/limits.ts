/** Every limit and period of a client's talk with the cloud. Periods are short because each call has servers to go on to. */
export const CLOUD_LIMITS = {
  /**
   * How long one server may take to answer before the next is asked, in the first lap over all servers; later laps
   * allow more. Longer: a stopped server is felt longer. Shorter: a busy one is left although it would answer.
   */
  attemptMs: 2_000,
  attemptMsMin: 500,
  /**
   * A call is given up after so many times `attemptMs`, in laps with pauses between them: 6 s for most, in which a
   * server that died is back. Longer: a cloud that is down is told later.
   */
  attemptsPerCall: 3,
  pauseMsMin: 300,
  pauseMsMax: 1_000,
  /**
   * A cloud that did not answer at all is asked in single laps for so long. Longer: a cloud that hiccups costs more
   * calls; shorter: clients wait for a dead cloud again and again before they speak to each other without it.
   */
  suspectMs: 10_000,
  /** A server that has no room is waited for as long as it tells, but no longer. Longer: a server could stall us. */
  toldWaitMsMax: 5_000,
  /** Election takes a lap of the ring, and up to a second when a member has just stopped. */
  electMs: 4_000,
  /** Unlocking waits for a durable write. */
  unlockMs: 4_000,
  /** Joining: fetching the CA and one call. */
  joinMs: 5_000,
  /** Addresses of servers that are remembered. */
  serversMax: 64,
  /** Pages of a listing that are read before it counts as endless. */
  pagesMax: 1_000,
  /** Grants named in one ReadGrants. */
  grantsPerCall: 256,
  /** No piece to or from the leader for so long: another is elected. A stopped process is noticed sooner, by keepalive. */
  hideIdleMs: 15_000,
  /** One hiding, at the slowest: this, and a second for each so many bytes of payload. */
  hideMsMin: 30_000,
  hideBytesPerSecondMin: 500_000,
  /** Elections for one hiding before it is given up. Those whose leader had no room do not count. */
  hideAttempts: 6,
  /** How long leaders may have no room. Longer: people wait; shorter: a crowd of owners is refused, not served in turn. */
  hideRoomMs: 120_000,
  /** Re-attending after a break: at once but jittered, then rarer. */
  attendPauseMsMin: 50,
  attendPauseMsMax: 5_000,
  /** Present for less, an attempt came to nothing. Longer: restarts keep people away; shorter: what flaps is pressed. */
  attendShortMs: 500,
  /** A view id counts as fresh for less than the window in which servers repeat it (60 s). */
  viewIdMs: 50_000,
} as const;
