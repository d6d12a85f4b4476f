/**
 * The ledger: grants and their rights, views and their count, logs, and what viewers have acknowledged. Only its
 * rights count, and only what it has written down was allowed. It stands on the Store alone, so any number of
 * servers may keep it together. docs/architecture.md, "The ledger".
 *
 * Refusals are thrown as Refused, malformed rights as FormatError, and StoreUnavailable means that nothing is
 * known of the write: every call may be made again.
 */
import { create } from '@bufbuild/protobuf';
import { LogEvent } from '../../gen/glimpse/v1/discovery_pb.js';
import type { GrantStatus } from '../../gen/glimpse/v1/discovery_pb.js';
import { TallyRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import type { SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import type { Store } from '../store/store.js';
import { bookWrites, equal, grantFor } from './grant.js';
import type { Side } from './grant.js';
import { keys } from './keys.js';
import { MailboxIndex } from './mailbox.js';
import type { NewerPage, NewerRights } from './mailbox.js';
import { Putting } from './putting.js';
import type { Owner } from './putting.js';
import { Reading } from './reading.js';
import type { GrantsPage, LogPage } from './reading.js';
import { Refusals } from './refusals.js';
import { Sweeping } from './sweeping.js';
import { commit, Turns } from './turns.js';
import { Viewing } from './viewing.js';
import type { Spent, Unlocking } from './viewing.js';

export type { NewerRights } from './mailbox.js';

export interface LedgerOptions {
  readonly store: Store;
  readonly cloudId: Uint8Array;
  /** The server's clock, in ms since 1970. */
  readonly nowMs: () => number;
}

/** Whose keys call. */
export interface Client {
  readonly fingerprint: Uint8Array;
}

export class Ledger {
  readonly #store: Store;
  readonly #nowMs: () => number;
  readonly #turns = new Turns(() => performance.now());
  readonly #putting: Putting;
  readonly #refusals: Refusals;
  readonly #viewing: Viewing;
  readonly #reading: Reading;
  readonly #mailbox: MailboxIndex;
  readonly #sweeping: Sweeping;

  constructor({ store, cloudId, nowMs }: LedgerOptions) {
    this.#store = store;
    this.#nowMs = nowMs;
    this.#refusals = new Refusals(store, this.#turns);
    this.#putting = new Putting(store, this.#turns, cloudId, nowMs);
    this.#viewing = new Viewing(store, this.#turns, this.#refusals, nowMs);
    this.#reading = new Reading(store, this.#refusals);
    this.#mailbox = new MailboxIndex(store, this.#turns);
    this.#sweeping = new Sweeping(store, nowMs);
  }

  /**
   * Puts rights, signed by the caller, as the successor of the current ones; version 1 makes the grant. The
   * bytes that stand already succeed again.
   * @throws Refused VERSION_CONFLICT and GRANT_EXISTS with the current rights, NOT_YOURS, BAD_SIGNATURE,
   * UNKNOWN_GRANT, WRONG_CLOUD, RIGHTS_CHANGED_IDENTITY, INVALID_REQUEST, LIMIT_EXCEEDED
   */
  put(owner: Owner, signedRights: SignedRights): Promise<{ used: number }> {
    return this.#putting.put(owner, signedRights);
  }

  /**
   * Takes a grant back for good that was given under keys of the owner's name which were replaced since.
   * @param former fingerprints of those keys
   * @throws Refused UNKNOWN_GRANT
   */
  revokeFormer(owner: Owner, former: readonly Uint8Array[], grantId: Uint8Array): Promise<void> {
    return this.#putting.revokeFormer(owner, former, grantId);
  }

  /**
   * Spends a view, in prepaid mode several, or finds them spent; when this resolves it is durable and the cloud key may be released.
   * @throws Refused VIEWS_SPENT, REVOKED, EXPIRED, VIEW_ID_STALE, CARRIER_SUPERSEDED, UNKNOWN_GRANT, NOT_YOURS,
   * INVALID_REQUEST, LIMIT_EXCEEDED: nothing was spent
   */
  spend(viewer: Client, unlocking: Unlocking): Promise<Spent> {
    return this.#viewing.spend(viewer.fingerprint, unlocking);
  }

  /** Writes down, once, that the viewer's client showed a view. @throws Refused UNKNOWN_VIEW, UNKNOWN_GRANT, NOT_YOURS */
  confirm(viewer: Client, grantId: Uint8Array, viewId: Uint8Array): Promise<void> {
    return this.#viewing.confirm(viewer.fingerprint, grantId, viewId);
  }

  /** Writes down, once a snapshot, that the viewer has the picture. @throws Refused UNKNOWN_GRANT, NOT_YOURS */
  async recordDelivery(owner: Client, grantId: Uint8Array, snapshot: Uint8Array): Promise<void> {
    await this.#turns.take(keys.rights(grantId), async () => {
      const { rights, tally, same } = await grantFor(this.#store, grantId, owner.fingerprint, 'owner');
      if (equal(tally.snapshot, snapshot)) return;
      const next = create(TallyRecordSchema, { ...tally, snapshot });
      const happening = { event: LogEvent.DELIVERY, by: rights.owner!, snapshot };
      await commit(this.#store, [same], bookWrites(rights, next, happening, this.#nowMs()));
    });
  }

  /** The grants among these that the caller is a party to. */
  read(party: Client, grantIds: readonly Uint8Array[]): Promise<GrantStatus[]> {
    return this.#reading.read(party.fingerprint, grantIds);
  }

  /** A page of the grants that the caller gave, or holds, by id; those after `after`, all if it is empty. */
  list(party: Client, side: Side, after: Uint8Array): Promise<GrantsPage> {
    return this.#reading.list(party.fingerprint, side, after);
  }

  /** A page of a grant's log, after so many entries; refusals on the first. @throws Refused UNKNOWN_GRANT */
  log(party: Client, grantId: Uint8Array, after: number): Promise<LogPage> {
    return this.#reading.log(party.fingerprint, grantId, after);
  }

  /** The rights of a grant, if their viewer has not acknowledged them. */
  newer(viewer: Uint8Array, grantId: Uint8Array): Promise<NewerRights | undefined> {
    return this.#mailbox.newer(viewer, grantId);
  }

  /** A page of all rights that this viewer has not acknowledged; begin with an empty `after`. */
  newerFor(viewer: Uint8Array, after: Uint8Array): Promise<NewerPage> {
    return this.#mailbox.newerFor(viewer, after);
  }

  /** The viewer has this version, durably. Of a grant that it does not hold, nothing is written. */
  acknowledge(viewer: Uint8Array, grantId: Uint8Array, version: number): Promise<void> {
    return this.#mailbox.acknowledge(viewer, grantId, version);
  }

  /** Prunes a bounded part of what is past its time, again and again, until the signal aborts. */
  keepSwept(signal: AbortSignal): Promise<void> {
    return this.#sweeping.keep(signal);
  }

  /** Prunes the next part. @throws StoreUnavailable */
  sweep(): Promise<void> {
    return this.#sweeping.sweep();
  }

  /** Writes what was counted last. To be called before the store is closed. */
  close(): Promise<void> {
    return this.#refusals.close();
  }
}
