/**
 * The one store of the cloud: compare-and-swap transactions, leases, ordered prefixes and watches.
 * It has exactly the primitives that etcd has, so that an engine over etcd can stand beside the embedded one;
 * nothing of an engine shows through. docs/architecture.md, "State".
 */

/**
 * A stored value with the revision at which it was last written. Revisions rise across the whole store.
 * Keys are printable ASCII without spaces, so that their order is the same everywhere.
 */
export interface Row {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: number;
}

/** Holds if the key was last written at `revision`; 0: if the key is absent. */
export interface Compare {
  readonly key: string;
  readonly revision: number;
}

/**
 * One write of a transaction. A row with a lease is deleted when the lease ends. `quiet`: nobody watches this row, so
 * watches need not be told; an engine may save the cost of it.
 */
export type Write = { readonly key: string; readonly quiet?: boolean } & (
  { readonly type: 'put'; readonly value: Uint8Array; readonly lease?: Lease } | { readonly type: 'delete' }
);

/**
 * `revision` is that of the writes; on a failed compare nothing was written. Where there was nothing to write or
 * to delete it is the store's revision as it was.
 */
export type TransactionResult = { readonly ok: true; readonly revision: number } | { readonly ok: false };

/** A change as a watcher sees it: the row as written, or the key that was deleted. */
export type Change =
  | { readonly type: 'put'; readonly row: Row }
  | { readonly type: 'delete'; readonly key: string; readonly revision: number };

/** Time to live, kept by the engine for as long as the process lives and the store answers. */
export interface Lease {
  readonly id: string;
  readonly ttlMs: number;
  /** Aborted when the lease was lost or revoked: its rows are gone, or will be. */
  readonly lost: AbortSignal;
  /** Ends the lease and deletes its rows. @throws StoreUnavailable: they go when its time is over */
  revoke(): Promise<void>;
}

export interface Range {
  /** Only keys that begin with this. */
  readonly prefix: string;
  /** Only keys after this one, in byte order. */
  readonly after?: string;
  /** At most so many rows; `STORE_LIMITS.listRowsMax` if absent. */
  readonly limit?: number;
}

/** What every engine enforces; a call beyond it is a bug of the caller and throws RangeError. */
export const STORE_LIMITS = {
  keyBytesMax: 512,
  valueBytesMax: 64 * 1024,
  transactionOperationsMax: 100,
  transactionBytesMax: 512 * 1024,
  listRowsMax: 1000,
} as const;

/** The store cannot be reached, is full, or cannot be written; nothing is known of the write. Retry elsewhere or later. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

export interface Store {
  /** The row, or undefined. @throws StoreUnavailable */
  get(key: string): Promise<Row | undefined>;
  /** The rows of these keys, all as of one moment. @throws StoreUnavailable */
  getAll(keys: readonly string[]): Promise<readonly (Row | undefined)[]>;
  /** Rows in key order. @throws StoreUnavailable */
  list(range: Range): Promise<readonly Row[]>;
  /**
   * All compares hold, and then all writes are done and durable; or nothing. A key is written once at most.
   * @throws StoreUnavailable also when a write's lease has ended
   */
  transact(compares: readonly Compare[], writes: readonly Write[]): Promise<TransactionResult>;
  /** @throws StoreUnavailable */
  grantLease(ttlMs: number): Promise<Lease>;
  /**
   * Changes below the prefix, in order, none left out, the changes of one transaction together, from the call on,
   * or from after `fromRevision` if that is still known. What a `get` or `list` that is called later does not see,
   * the watch will; so watch first, then list. The first item is empty: the watch has begun. Ends when the signal
   * aborts; throws StoreUnavailable when it cannot go on without a gap: watch and list again.
   */
  watch(
    prefix: string,
    options: { readonly signal: AbortSignal; readonly fromRevision?: number },
  ): AsyncIterable<readonly Change[]>;
  /** Revokes the leases, ends the watches, answers nothing more. */
  close(): Promise<void>;
}
