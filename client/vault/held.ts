/**
 * Grants that I hold. The highest signed version wins among copies of rights; only the ledger's count. A row
 * without a picture is one whose rights came before its delivery.
 */
import { rm } from 'node:fs/promises';
import { fromBinary } from '@bufbuild/protobuf';
import type { Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import { RightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { PrivateDatabase } from './database.js';
import { translatingAsync } from './failures.js';
import type { Home } from './home.js';
import { VAULT_LIMITS } from './limits.js';
import type { Held, HeldPicture, Peer } from './records.js';
import { encodeKeys, encodeRights, heldOf, idsBeginningWith, whole } from './rows.js';

/** Rights that were checked: the signature is the owner's, the viewer is this client. */
export interface CheckedRights {
  readonly owner: Peer;
  readonly signedRights: SignedRights;
}

export class HeldGrants {
  readonly #database: PrivateDatabase;
  readonly #home: Home;

  constructor(database: PrivateDatabase, home: Home) {
    this.#database = database;
    this.#home = home;
  }

  get(grantId: Uint8Array): Held | undefined {
    return this.#database.one(heldOf, 'SELECT * FROM held WHERE grant_id = @grantId', { grantId });
  }

  /** Those whose id begins with this, in hex: at most `limit`. */
  startingWith(hex: string, limit = 2): Held[] {
    const sql = 'SELECT * FROM held WHERE grant_id BETWEEN @lowest AND @highest LIMIT @limit';
    return this.#database.all(heldOf, sql, { ...idsBeginningWith(hex), limit });
  }

  /** Those with a picture, the newest first. */
  list(): Held[] {
    const sql = 'SELECT * FROM held WHERE file IS NOT NULL ORDER BY received_at DESC, grant_id';
    return this.#database.all(heldOf, sql);
  }

  /** Which grant's picture the inbox keeps under this path. */
  byFile(file: string): Held | undefined {
    return this.#database.one(heldOf, 'SELECT * FROM held WHERE file = @file', { file });
  }

  /**
   * Keeps rights if they are newer than those held. Returns the version held now; undefined if there was no row
   * and the owner has as many without a picture as may be.
   */
  update(checked: CheckedRights): number | undefined {
    const { grantId } = decode(checked.signedRights);
    return this.#database.transact(() => {
      if (!this.get(grantId) && this.#awaited(checked.owner) >= VAULT_LIMITS.awaitedPerOwnerMax)
        return undefined;
      this.#keep(checked);
      return this.get(grantId)!.version;
    });
  }

  /** The picture of a grant is durable in the inbox; its rights are kept if they are news. */
  receive(checked: CheckedRights, picture: Omit<HeldPicture, 'opened'>): Held {
    const { grantId } = decode(checked.signedRights);
    return this.#database.transact(() => {
      this.#keep(checked);
      this.#database.run(
        `UPDATE held SET file = @file, snapshot = @snapshot, carrier_bytes = @carrierBytes, leader = @leader,
           asked = max(asked, @asked), received_at = @receivedAtMs
         WHERE grant_id = @grantId AND owner_fingerprint = @fingerprint`,
        { grantId, fingerprint: checked.owner.fingerprint, ...picture },
      );
      return this.get(grantId)!;
    });
  }

  /** What an owner has sent unasked, the inbox holds, and nobody has opened. */
  unasked(ownerFingerprint: Uint8Array): { readonly count: number; readonly bytes: number } {
    const sql = `SELECT count(*) AS count, coalesce(sum(carrier_bytes), 0) AS bytes FROM held
      WHERE owner_fingerprint = @ownerFingerprint AND asked = 0 AND opened = 0 AND file IS NOT NULL`;
    const sum = this.#database.one(
      (row) => ({ count: whole(row, 'count'), bytes: whole(row, 'bytes') }),
      sql,
      { ownerFingerprint },
    );
    return sum!;
  }

  /** Remembers the id of a view before it is asked for: an answer that is lost must not cost another view. */
  beginView(grantId: Uint8Array, viewId: Uint8Array, nowMs: number): void {
    this.#database.run('UPDATE held SET view_id = @viewId, view_at = @nowMs WHERE grant_id = @grantId', {
      grantId,
      viewId,
      nowMs,
    });
  }

  /** The view is over: refused, or about to be shown. */
  endView(grantId: Uint8Array): void {
    this.#database.run('UPDATE held SET view_id = NULL, view_at = NULL WHERE grant_id = @grantId', {
      grantId,
    });
  }

  /** The picture was opened: to its photo, which said how it is called, or only to its cover. */
  opened(grantId: Uint8Array, photoName?: string): void {
    const sql =
      'UPDATE held SET photo_name = coalesce(@photoName, photo_name), opened = 1 WHERE grant_id = @grantId';
    this.#database.run(sql, { grantId, photoName });
  }

  /** Removes the picture, then the row: broken off in between, it can be done again. False if there is none. */
  async forget(grantId: Uint8Array): Promise<boolean> {
    const held = this.get(grantId);
    if (!held) return false;
    const { picture } = held;
    if (picture) await translatingAsync(this.#home.folder, () => rm(picture.file, { force: true }));
    return this.#database.run('DELETE FROM held WHERE grant_id = @grantId', { grantId }) === 1;
  }

  #keep({ owner, signedRights }: CheckedRights): void {
    const { grantId, imageId, version } = decode(signedRights);
    this.#database.run(
      `INSERT INTO held (grant_id, owner_name, owner_fingerprint, owner_keys, image_id, rights, version)
       VALUES (@grantId, @name, @fingerprint, @keys, @imageId, @encoded, @version)
       ON CONFLICT DO UPDATE SET rights = @encoded, version = @version
         WHERE version < @version AND owner_fingerprint = @fingerprint`,
      {
        grantId,
        name: owner.name,
        fingerprint: owner.fingerprint,
        keys: encodeKeys(owner.keys),
        imageId,
        encoded: encodeRights(signedRights),
        version,
      },
    );
  }

  #awaited(owner: Peer): number {
    return this.#database.one(
      (row) => whole(row, 'count'),
      'SELECT count(*) AS count FROM held WHERE owner_fingerprint = @fingerprint AND file IS NULL',
      { fingerprint: owner.fingerprint },
    )!;
  }
}

function decode(signed: SignedRights): Rights {
  return fromBinary(RightsSchema, signed.rights);
}
