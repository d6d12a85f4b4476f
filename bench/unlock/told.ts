/** What the processes of the case are told, and tell. */

/** By the ledger of this process, by calls to a server, by bare transactions of the store; or no view, but bare calls. */
export type Way = 'ledger' | 'calls' | 'store' | 'bare';

/** Views, their callers and their grants. */
export interface Spending {
  readonly way: Way;
  /** Who spend at the same time, each one view after the other. */
  readonly callers: number;
  /** How many grants they share. */
  readonly grants: number;
  /** The servers that are called, in turn; the bare one's for bare calls. */
  readonly addresses: readonly string[];
  /** Grants of another process, by its ledger alone; its own, if not given. */
  readonly held?: readonly HeldTold[];
}

/** A grant and its viewer. Hex. */
export interface HeldTold {
  readonly grantId: string;
  readonly sealId: string;
  readonly fingerprint: string;
}

/** What was released, and how soon. */
export interface Spent {
  readonly seconds: number;
  /** Of each view that was released, of each transaction. */
  readonly latenciesMs: readonly number[];
}

/** What the ledger has of the grants of a process. */
export interface Counted {
  readonly views: number;
  /** Of their logs, without the first of each. */
  readonly entries: number;
}
