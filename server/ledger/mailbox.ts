/**
 * What a viewer has acknowledged of each grant, and what is newer. The index is all there is: the rights
 * themselves stand once, in the ledger. docs/architecture.md, "State".
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { MailboxRecordSchema, UntakenRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import type { KeyBundle, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import type { Compare, Row, Store, Write } from '../store/store.js';
import { findGrant, findGrants, versionTaken } from './grant.js';
import { grantOf, keys } from './keys.js';
import { LEDGER_LIMITS } from './limits.js';
import { commit } from './turns.js';
import type { Turns } from './turns.js';

/** Rights that their viewer has not acknowledged. */
export interface NewerRights {
  readonly signedRights: SignedRights;
  /** Those that signed. */
  readonly ownerKeys: KeyBundle;
}

export interface NewerPage {
  readonly newer: NewerRights[];
  /** Ask again with this; undefined: that was all. */
  readonly next: Uint8Array | undefined;
}

export class MailboxIndex {
  readonly #store: Store;
  readonly #turns: Turns;

  constructor(store: Store, turns: Turns) {
    this.#store = store;
    this.#turns = turns;
  }

  /** See Ledger.newer. */
  async newer(viewer: Uint8Array, grantId: Uint8Array): Promise<NewerRights | undefined> {
    const held = await this.#store.get(keys.held(viewer, grantId));
    const [newer] = held ? await this.#newerThan([held]) : [];
    return newer;
  }

  /** See Ledger.newerFor. */
  async newerFor(viewer: Uint8Array, after: Uint8Array): Promise<NewerPage> {
    const held = await this.#store.list({
      prefix: keys.ofViewer(viewer),
      after: keys.held(viewer, after),
      limit: LEDGER_LIMITS.pageGrants,
    });
    const isLast = held.length < LEDGER_LIMITS.pageGrants;
    return {
      newer: await this.#newerThan(held),
      next: isLast ? undefined : grantOf(held.at(-1)!.key),
    };
  }

  /** See Ledger.acknowledge. */
  async acknowledge(viewer: Uint8Array, grantId: Uint8Array, version: number): Promise<void> {
    const known = await findGrant(this.#store, grantId);
    if (!known) return;
    const key = keys.held(viewer, grantId);
    // All first acknowledgements change one count, as all first versions do.
    await this.#turns.take(keys.untaken(viewer, known.rights.owner!.fingerprint), async () => {
      const [held, grant] = await Promise.all([this.#store.get(key), findGrant(this.#store, grantId)]);
      if (!held || !grant) return;
      const before = versionTaken(held.value);
      // Nobody can have what was not put: a promise of it would hide later versions.
      const taken = Math.min(version, grant.rights.version);
      if (taken <= before) return;
      const record = create(MailboxRecordSchema, { versionTaken: taken });
      const first = before === 0 ? await this.#oneTaken(viewer, grant.rights.owner!.fingerprint) : undefined;
      await commit(
        this.#store,
        [{ key, revision: held.revision }, ...(first ? [first.same] : [])],
        [
          { type: 'put', key, value: toBinary(MailboxRecordSchema, record), quiet: true },
          ...(first ? [first.fewer] : []),
        ],
      );
    });
  }

  /** What is newer than these rows say was taken. */
  async #newerThan(held: readonly Row[]): Promise<NewerRights[]> {
    const grants = await findGrants(
      this.#store,
      held.map(({ key }) => grantOf(key)),
    );
    return grants.flatMap((grant, at) => {
      if (!grant || grant.rights.version <= versionTaken(held[at]!.value)) return [];
      return [{ signedRights: grant.signed, ownerKeys: grant.tally.ownerKeys! }];
    });
  }

  async #oneTaken(viewer: Uint8Array, owner: Uint8Array): Promise<{ same: Compare; fewer: Write }> {
    const key = keys.untaken(viewer, owner);
    const row = (await this.#store.get(key))!;
    const grants = fromBinary(UntakenRecordSchema, row.value).grants - 1;
    const value = toBinary(UntakenRecordSchema, create(UntakenRecordSchema, { grants }));
    const fewer: Write =
      grants === 0 ? { type: 'delete', key, quiet: true } : { type: 'put', key, value, quiet: true };
    return { same: { key, revision: row.revision }, fewer };
  }
}
