/**
 * Views that were unlocked ahead: asked for, left to be shown without the cloud, or shown and not yet told to it.
 * The key that opens them lies here as the client's own keys do; it goes with the last view.
 * docs/architecture.md, "The vault"; docs/threat-model.md, "What is not protected".
 */
import type { PrivateDatabase } from './database.js';
import type { LeftView, ShownView } from './records.js';
import { askedViewOf, bytes, leftViewOf, shownViewOf, whole } from './rows.js';

/** Views that were asked for, and are not known to be unlocked: the same may be asked for again, for a while. */
export interface AskedBatch {
  readonly viewIds: readonly Uint8Array[];
  readonly askedAtMs: number;
}

export class Prepaid {
  readonly #database: PrivateDatabase;

  constructor(database: PrivateDatabase) {
    this.#database = database;
  }

  /** Remembers a batch before it is asked for; one that was asked for before is given up. */
  ask(grantId: Uint8Array, sealId: Uint8Array, { viewIds, askedAtMs }: AskedBatch): void {
    this.#database.transact(() => {
      this.unask(grantId);
      for (const viewId of viewIds) {
        const row = { view_id: viewId, grant_id: grantId, seal_id: sealId, state: 'asked', at: askedAtMs };
        this.#database.insert('prepaid_views', row);
      }
    });
  }

  asked(grantId: Uint8Array, sealId: Uint8Array): AskedBatch | undefined {
    const rows = this.#database.all(
      askedViewOf,
      `SELECT view_id, at FROM prepaid_views
       WHERE grant_id = @grantId AND seal_id = @sealId AND state = 'asked' ORDER BY view_id`,
      { grantId, sealId },
    );
    const [first] = rows;
    return first && { viewIds: rows.map(({ viewId }) => viewId), askedAtMs: first.askedAtMs };
  }

  /** What was asked for was refused, or can no longer be had. */
  unask(grantId: Uint8Array): void {
    this.#database.run("DELETE FROM prepaid_views WHERE grant_id = @grantId AND state = 'asked'", {
      grantId,
    });
  }

  /** What was asked for is unlocked: durable on return. @param used by the ledger's count, these included */
  keep(grantId: Uint8Array, sealId: Uint8Array, cloudKey: Uint8Array, used: number): void {
    this.#database.transact(() => {
      const { viewIds } = this.asked(grantId, sealId) ?? { viewIds: [] };
      const sql = "UPDATE prepaid_views SET state = 'left', ordinal = @ordinal WHERE view_id = @viewId";
      for (const [at, viewId] of viewIds.entries()) {
        this.#database.run(sql, { viewId, ordinal: used - viewIds.length + at + 1 });
      }
      const key = { grant_id: grantId, seal_id: sealId, cloud_key: cloudKey };
      this.#database.insert('prepaid_keys', key, 'REPLACE');
    });
  }

  /** The next view of this hiding, and how many there are. */
  next(grantId: Uint8Array, sealId: Uint8Array): LeftView | undefined {
    return this.#database.one(
      leftViewOf,
      `SELECT view_id, ordinal, cloud_key FROM prepaid_views JOIN prepaid_keys USING (grant_id, seal_id)
       WHERE grant_id = @grantId AND seal_id = @sealId AND state = 'left' ORDER BY ordinal LIMIT 1`,
      { grantId, sealId },
    );
  }

  /** How many views of a grant are left. */
  left(grantId: Uint8Array): number {
    const sql = `SELECT count(*) AS count FROM prepaid_views JOIN prepaid_keys USING (grant_id, seal_id)
      WHERE grant_id = @grantId AND state = 'left'`;
    return this.#database.one((row) => whole(row, 'count'), sql, { grantId })!;
  }

  /** Grants of which views are left. */
  grants(): Uint8Array[] {
    const sql = "SELECT DISTINCT grant_id FROM prepaid_views WHERE state = 'left'";
    return this.#database.all((row) => bytes(row, 'grant_id'), sql);
  }

  /** A view is about to be shown: durable before it is. */
  show({ grantId, viewId }: ShownView, sealId: Uint8Array, nowMs: number): void {
    this.#database.transact(() => {
      const row = { view_id: viewId, grant_id: grantId, seal_id: sealId, state: 'shown', at: nowMs };
      this.#database.insert('prepaid_views', row, 'REPLACE');
      this.#dropKeys();
    });
  }

  /** What the cloud is to hear of. */
  shown(): ShownView[] {
    return this.#database.all(
      shownViewOf,
      "SELECT grant_id, view_id FROM prepaid_views WHERE state = 'shown' ORDER BY at",
    );
  }

  /** The cloud knows of these, or they were shown elsewhere: nothing of them is left. */
  forget(viewIds: readonly Uint8Array[]): void {
    this.#database.transact(() => {
      for (const viewId of viewIds) {
        this.#database.run('DELETE FROM prepaid_views WHERE view_id = @viewId', { viewId });
      }
      this.#dropKeys();
    });
  }

  /** Nothing of a grant may be shown without the cloud any more. */
  drop(grantId: Uint8Array): void {
    this.#database.transact(() => {
      const sql = "DELETE FROM prepaid_views WHERE grant_id = @grantId AND state <> 'shown'";
      this.#database.run(sql, { grantId });
      this.#dropKeys();
    });
  }

  /** The latest time that this client is sure of, by the cloud's clock, ms since 1970; 0: none yet. */
  get clockMarkMs(): number {
    return this.#database.one((row) => whole(row, 'mark_ms'), 'SELECT mark_ms FROM clock') ?? 0;
  }

  /** `certain`: it is the cloud's word, which also takes a mark back that a wrong clock had set. */
  markClock(nowMs: number, { certain }: { readonly certain: boolean }): void {
    if (certain || nowMs > this.clockMarkMs) {
      this.#database.insert('clock', { only: 1, mark_ms: Math.round(nowMs) }, 'REPLACE');
    }
  }

  #dropKeys(): void {
    this.#database.run(
      `DELETE FROM prepaid_keys WHERE NOT EXISTS (SELECT 1 FROM prepaid_views AS view
         WHERE view.grant_id = prepaid_keys.grant_id AND view.seal_id = prepaid_keys.seal_id AND state = 'left')`,
    );
  }
}
