/**
 * Grants that I gave. Rights are `pending` from the moment they are signed until the ledger has them; what the
 * ledger has is `current`. docs/architecture.md, "The vault".
 */
import { fromBinary } from '@bufbuild/protobuf';
import type { Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import { RightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { PrivateDatabase } from './database.js';
import type { Delivery, Given, Peer } from './records.js';
import { bytes, encodeKeys, encodeRights, givenOf, idsBeginningWith } from './rows.js';

/** Version 1 of a grant, as signed. */
export interface NewGrant {
  readonly viewer: Peer;
  readonly photo: { readonly name: string; readonly path: string };
  readonly signedRights: SignedRights;
}

export class GivenGrants {
  readonly #database: PrivateDatabase;

  constructor(database: PrivateDatabase) {
    this.#database = database;
  }

  get(grantId: Uint8Array): Given | undefined {
    return this.#database.one(givenOf, 'SELECT * FROM given WHERE grant_id = @grantId', { grantId });
  }

  /** The one grant of a viewer key and an image. */
  find(viewerFingerprint: Uint8Array, imageId: Uint8Array): Given | undefined {
    const sql = 'SELECT * FROM given WHERE viewer_fingerprint = @viewerFingerprint AND image_id = @imageId';
    return this.#database.one(givenOf, sql, { viewerFingerprint, imageId });
  }

  /** What this name has of an image under other keys than this one, the newest first. */
  underOtherKeys(viewerName: string, viewerFingerprint: Uint8Array, imageId: Uint8Array): Given[] {
    const sql = `SELECT * FROM given WHERE image_id = @imageId AND viewer_name = @viewerName
      AND viewer_fingerprint <> @viewerFingerprint ORDER BY given_at DESC`;
    return this.#database.all(givenOf, sql, { viewerName, viewerFingerprint, imageId });
  }

  /** Those whose id begins with this, in hex: at most `limit`. */
  startingWith(hex: string, limit = 2): Given[] {
    const sql = 'SELECT * FROM given WHERE grant_id BETWEEN @lowest AND @highest LIMIT @limit';
    return this.#database.all(givenOf, sql, { ...idsBeginningWith(hex), limit });
  }

  /** The newest first. */
  list(): Given[] {
    return this.#database.all(givenOf, 'SELECT * FROM given ORDER BY given_at DESC, grant_id');
  }

  /** Keeps a new grant, its version 1 pending; or returns the one that this viewer key and image have already. */
  give(grant: NewGrant, nowMs: number): Given {
    const rights = decode(grant.signedRights);
    return this.#database.transact(() => {
      const known = this.find(grant.viewer.fingerprint, rights.imageId);
      if (known) return known;
      this.#database.insert('given', {
        grant_id: rights.grantId,
        viewer_name: grant.viewer.name,
        viewer_fingerprint: grant.viewer.fingerprint,
        viewer_keys: encodeKeys(grant.viewer.keys),
        image_id: rights.imageId,
        photo_name: grant.photo.name,
        photo_path: grant.photo.path,
        pending: encodeRights(grant.signedRights),
        pending_version: rights.version,
        given_at: nowMs,
      });
      return this.get(rights.grantId)!;
    });
  }

  /**
   * The ledger has a grant for this viewer key and image already, and that one counts: a vault that was restored
   * does not know it. It takes the place of what this vault had for the pair, which never did count.
   */
  adopt(
    signedRights: SignedRights,
    { viewer, photo }: Pick<NewGrant, 'viewer' | 'photo'>,
    nowMs: number,
  ): Given {
    const rights = decode(signedRights);
    return this.#database.transact(() => {
      const pair = { viewerFingerprint: viewer.fingerprint, imageId: rights.imageId };
      const never = 'viewer_fingerprint = @viewerFingerprint AND image_id = @imageId';
      this.#database.run(
        `DELETE FROM outbox WHERE grant_id IN (SELECT grant_id FROM given WHERE ${never})`,
        pair,
      );
      this.#database.run(`DELETE FROM given WHERE ${never}`, pair);
      this.#database.insert('given', {
        grant_id: rights.grantId,
        viewer_name: viewer.name,
        viewer_fingerprint: viewer.fingerprint,
        viewer_keys: encodeKeys(viewer.keys),
        image_id: rights.imageId,
        photo_name: photo.name,
        photo_path: photo.path,
        current: encodeRights(signedRights),
        current_version: rights.version,
        given_at: nowMs,
      });
      return this.get(rights.grantId)!;
    });
  }

  /** Signed anew. False, and nothing changes, if another is pending, or it does not follow on the current version. */
  propose(signedRights: SignedRights): boolean {
    const { grantId, version } = decode(signedRights);
    return (
      this.#database.run(
        `UPDATE given SET pending = @encoded, pending_version = @version
         WHERE grant_id = @grantId AND current_version = @version - 1 AND pending IS NULL`,
        { grantId, version, encoded: encodeRights(signedRights) },
      ) === 1
    );
  }

  /**
   * The ledger will never have these, pending over its current rights, nor what was wished after them. Nothing
   * changes if others are pending by now.
   */
  withdraw(signedRights: SignedRights): void {
    const { grantId } = decode(signedRights);
    this.#database.run(
      `UPDATE given SET pending = NULL, pending_version = NULL, wish = NULL
       WHERE grant_id = @grantId AND current IS NOT NULL AND pending = @encoded`,
      { grantId, encoded: encodeRights(signedRights) },
    );
  }

  /** What is to be signed once the pending version is settled; undefined: nothing more. */
  setWish(grantId: Uint8Array, wish: string | undefined): void {
    this.#database.run('UPDATE given SET wish = @wish WHERE grant_id = @grantId', { grantId, wish });
  }

  /**
   * The ledger has these rights, be they mine of now or, after a restored vault, of a time forgotten. Whatever
   * was pending up to their version is settled or overtaken; an older version changes nothing.
   */
  settle(signedRights: SignedRights): Given | undefined {
    const { grantId, version } = decode(signedRights);
    return this.#database.transact(() => {
      this.#database.run(
        `UPDATE given SET current = @encoded, current_version = @version,
           pending = CASE WHEN pending_version > @version THEN pending END,
           pending_version = CASE WHEN pending_version > @version THEN pending_version END
         WHERE grant_id = @grantId AND current_version < @version`,
        { grantId, version, encoded: encodeRights(signedRights) },
      );
      const given = this.get(grantId);
      if (given) this.#dropCapsules(given);
      return given;
    });
  }

  /**
   * A capsule is randomised, and a delivery may have to be resumed: the first of a version is kept, and returned.
   * Lost with the power it is made anew, and what was half delivered begins again.
   */
  keepCapsule(grantId: Uint8Array, version: number, slot: Uint8Array): Uint8Array {
    return this.#database.note(() => {
      this.#database.insert('capsules', { grant_id: grantId, version, slot }, 'IGNORE');
      return this.capsule(grantId, version)!;
    });
  }

  capsule(grantId: Uint8Array, version: number): Uint8Array | undefined {
    const sql = 'SELECT slot FROM capsules WHERE grant_id = @grantId AND version = @version';
    return this.#database.one((row) => bytes(row, 'slot'), sql, { grantId, version });
  }

  /** The viewer acknowledged this snapshot. */
  delivered(grantId: Uint8Array, snapshot: Uint8Array): void {
    const sql = "UPDATE given SET delivery = 'delivered', snapshot = @snapshot WHERE grant_id = @grantId";
    this.#database.run(sql, { grantId, snapshot });
  }

  setDelivery(grantId: Uint8Array, delivery: Exclude<Delivery, 'delivered'>): void {
    this.#database.run('UPDATE given SET delivery = @delivery WHERE grant_id = @grantId', {
      grantId,
      delivery,
    });
  }

  #dropCapsules(given: Given): void {
    const sql = 'DELETE FROM capsules WHERE grant_id = @grantId AND version < @currentVersion';
    this.#database.run(sql, { grantId: given.grantId, currentVersion: given.currentVersion });
  }
}

function decode(signed: SignedRights): Rights {
  return fromBinary(RightsSchema, signed.rights);
}
