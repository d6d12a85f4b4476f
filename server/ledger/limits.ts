/** Every limit of the ledger. */
export const LEDGER_LIMITS = {
  /** A view id may be sent for so long after it was made: docs/protocol.md, "Unlocking". */
  viewWindowMs: 60_000,
  /** And may seem so much older, or come so much from the future, for clocks differ. */
  viewSkewMs: 5_000,
  /** Releases of the key for one view. */
  releasesMax: 3,
  /** How long a view is remembered: for retries the window would do, for its confirmation people need longer. */
  viewKeptMs: 86_400_000,
  /** Grants of an owner that a viewer has not acknowledged at all. More: larger folders; fewer: smaller mailboxes. */
  untakenGrantsMax: 1_000,
  /** Grants of one page. */
  pageGrants: 100,
  /** Log entries of one page. */
  pageEntries: 500,
  /** Entries of a log: its keys have eight digits. */
  logEntriesMax: 99_999_999,
  /** Minutes with refusals that a log tells of, the latest. */
  refusalsReadMax: 500,
  /** How long refusals are remembered. */
  refusalsKeptMs: 7 * 86_400_000,
  /** Between two writes of a grant's refusals: who is refused often costs a write in that time, not one each. */
  refusalPauseMs: 1_000,
  /** Grants whose refusals wait to be written; those of others are not counted meanwhile. */
  refusedGrantsMax: 10_000,
  /** Callers that wait for their turn at one grant. */
  turnsWaitingMax: 128,
  /** Rows of views of one grant that are written together, and entries: a transaction has 100 operations. */
  viewRowsPerTurn: 96,
  /** How long a caller waits for its turn. */
  turnMs: 5_000,
  /** How often another process may come first before the caller is sent away. */
  beatenMax: 50,
  /** Rows that one sweep looks at, of each kind. At most half a transaction's operations. */
  sweepRows: 50,
  /** Between two sweeps: shorter forgets sooner, longer leaves the store to views. */
  sweepPauseMs: 10_000,
} as const;
