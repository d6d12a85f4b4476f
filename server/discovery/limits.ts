/** Limits of the Discovery service. */
export const DISCOVERY_LIMITS = {
  /** Between the start of an Attend stream and its Hello. Longer lets idle streams pile up. */
  helloMs: 5000,
  /** For a client's answer to a Probe. Shorter calls a busy laptop offline, longer keeps the reporter waiting. */
  probeMs: 1000,
  /**
   * For another server's answer to CheckSession: the probe there, and the way there and back. Shorter takes a busy
   * server for a dead one, longer outlasts the reporter's own deadline.
   */
  checkMs: 4000,
  /**
   * For clients to attend elsewhere when a server stops; so long they stay in the directory. Shorter shows somebody
   * who moves slowly as offline, longer keeps a cloud that stops as a whole waiting.
   */
  goodbyeMs: 1500,
  /** Attending clients of one server, each a stream and a row. More are sent to another server. */
  sessionsMax: 10_000,
  /** What those are told to wait who find it full: people leave seldom. */
  fullMs: 5_000,
  /** Grants with news that one slow client may have waiting; beyond it all of its grants are looked through. */
  newsMax: 256,
  /**
   * News of a first version waits so long: the picture brings the same rights, and whoever has it has acknowledged
   * them by then. Shorter sends them a second time to those whose picture is on its way, longer keeps those whom no
   * picture reaches from knowing of the grant.
   */
  firstVersionMs: 2_000,
  /** Entries of a page of List: about 30 KiB. Their other rows are read at once: a hundred at most. */
  pageEntries: 100,
  /** Keys remembered for the check of every call, some 300 bytes each; beyond it the store is asked. */
  keysMax: 20_000,
  /** Compare-and-swap attempts on a session's row before the client is told to try again. */
  attemptsMax: 8,
  /** A server's lease. Shorter loses presence to a stall, longer shows a dead server's clients as online. */
  leaseMs: 5000,
} as const;
