/** What the parties of a grant may read: its state, and its log. */
import { create } from '@bufbuild/protobuf';
import { GrantStatusSchema } from '../../gen/glimpse/v1/discovery_pb.js';
import type { GrantStatus, RefusalCount } from '../../gen/glimpse/v1/discovery_pb.js';
import type { Row, Store } from '../store/store.js';
import { findGrants, grantFor, rowsOf, sideOf, versionTaken } from './grant.js';
import type { Grant, Side } from './grant.js';
import { grantOf, keys } from './keys.js';
import { LEDGER_LIMITS } from './limits.js';
import type { Refusals } from './refusals.js';

export interface GrantsPage {
  readonly grants: GrantStatus[];
  readonly more: boolean;
}

export interface LogPage {
  /** Encoded LogEntry messages, exactly as chained. */
  readonly entries: Uint8Array[];
  readonly refusals: RefusalCount[];
  /** Of the whole log. */
  readonly head: Uint8Array;
  readonly more: boolean;
}

export class Reading {
  readonly #store: Store;
  readonly #refusals: Refusals;

  constructor(store: Store, refusals: Refusals) {
    this.#store = store;
    this.#refusals = refusals;
  }

  /** See Ledger.read. */
  async read(fingerprint: Uint8Array, grantIds: readonly Uint8Array[]): Promise<GrantStatus[]> {
    const found = await findGrants(this.#store, grantIds);
    const own = found.flatMap((grant) => (grant && sideOf(grant.rights, fingerprint) ? [grant] : []));
    const held = await rowsOf(
      this.#store,
      own.map(({ rights }) => keys.held(rights.viewer!.fingerprint, rights.grantId)),
    );
    return own.map((grant, at) => statusOf(grant, held[at]));
  }

  /** See Ledger.list. */
  async list(fingerprint: Uint8Array, side: Side, after: Uint8Array): Promise<GrantsPage> {
    const [prefix, first] =
      side === 'owner'
        ? [keys.ofOwner(fingerprint), keys.given(fingerprint, after)]
        : [keys.ofViewer(fingerprint), keys.held(fingerprint, after)];
    const limit = LEDGER_LIMITS.pageGrants;
    const rows = await this.#store.list({ prefix, after: first, limit: limit + 1 });
    const grantIds = rows.slice(0, limit).map(({ key }) => grantOf(key));
    return { grants: await this.read(fingerprint, grantIds), more: rows.length > limit };
  }

  /** See Ledger.log. */
  async log(fingerprint: Uint8Array, grantId: Uint8Array, after: number): Promise<LogPage> {
    const { tally } = await grantFor(this.#store, grantId, fingerprint);
    const last = Math.min(tally.logLength, after + LEDGER_LIMITS.pageEntries);
    const isEmpty = after >= tally.logLength;
    // Only what the head stands for: an entry may have come since.
    const rows = isEmpty
      ? []
      : await this.#store.list({
          prefix: keys.logs(grantId),
          after: keys.log(grantId, after),
          limit: last - after,
        });
    return {
      entries: rows.map(({ value }) => value),
      refusals: after === 0 ? await this.#refusals.read(grantId) : [],
      head: tally.logHead,
      more: last < tally.logLength,
    };
  }
}

function statusOf({ signed, tally }: Grant, held: Row | undefined): GrantStatus {
  return create(GrantStatusSchema, {
    signedRights: signed,
    used: tally.used,
    versionTaken: held ? versionTaken(held.value) : 0,
    logHead: tally.logHead,
    logLength: tally.logLength,
    outstanding: tally.outstanding,
    closed: tally.closed,
  });
}
