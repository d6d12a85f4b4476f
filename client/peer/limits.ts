/** Every limit and period of the talk between clients. docs/protocol.md, "Peers". */
export const PEER_LIMITS = {
  /** No progress and no acknowledgement for so long: the attempt has failed. Longer notices an absent viewer later. */
  progressMs: 2_000,
  /** Attempts of a delivery before the viewer counts as offline, and the first pause between them; it doubles. */
  attempts: 3,
  pauseMs: 500,
  /** Connecting, and the answer to a unary call. */
  callMs: 4_000,
  /** The owner asks the directory about a caller for so long before the pinned key is enough. */
  callerLookUpMs: 1_500,
  /** A viewer waits so long for any sign from the owner's client, which tells of its progress every second. */
  ownerSilentMs: 20_000,
  progressEveryMs: 1_000,
  /**
   * A peer that we serve neither sends nor takes anything for so long: the stream ends. An honest sender gives up
   * after `progressMs`. Longer holds places for those who only say that they will deliver.
   */
  peerSilentMs: 10_000,
  /** A delivery that comes in has so long; then it breaks off, and is resumed from there. Longer serves slow lines. */
  incomingMs: 600_000,
  /**
   * Connections to peers that are kept after they were used, and for how long: longer spares handshakes, shorter
   * spares both sides a connection that is pinged every second.
   */
  linesKeptMax: 32,
  lineKeptMs: 10_000,
  /** What one sender may have with us unasked and never opened. More makes a stranger's gifts cost more. */
  unaskedCountMax: 32,
  unaskedBytesMax: 536_870_912,
  /** Deliveries that are taken in at once, from one sender and from all. */
  incomingPerPeerMax: 4,
  incomingMax: 16,
  /** Photos that are granted and hidden at once; more wait. Hiding is the leader's work, sealing is ours. */
  grantingMax: 2,
  /** Lines and bytes of a peer's gallery that are taken in, and kept in memory: a thumbnail has some 10 KB. */
  galleryLinesMax: 10_000,
  galleryBytesMax: 134_217_728,
  thumbnailBytesMax: 262_144,
  /** What a peer is told to wait whose picture or request found our disk full: somebody has to make room. */
  fullPauseMs: 30_000,
  /** `up` waits so long to be present before it says that it is ready. Without a cloud it serves all the same. */
  presentMs: 5_000,
  /** A client that is closed waits so long for the calls it serves. */
  stopMs: 1_000,
  /** How often the outbox asks the directory about a viewer that is away; and one who is online, unreachable from us. */
  awayPollMs: 1_500,
  unreachablePauseMsMax: 60_000,
  /** Puts of one grant's rights in a row, those that lose against other puts included. */
  putsMax: 8,
} as const;
