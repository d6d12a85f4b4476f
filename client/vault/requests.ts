/** Knocks and requests that wait for the owner, and those that she refused: bounded per peer and in all. */
import { randomInt } from 'node:crypto';
import type { Values, PrivateDatabase } from './database.js';
import { VAULT_LIMITS } from './limits.js';
import type { Peer, WaitingRequest } from './records.js';
import { requestOf, whole } from './rows.js';

export type Ask =
  | { readonly kind: 'knock'; readonly peer: Omit<Peer, 'keys'> }
  | {
      readonly kind: 'photo';
      readonly peer: Omit<Peer, 'keys'>;
      readonly imageId: Uint8Array;
      readonly photo: string;
      readonly views: number;
    };

/** `recorded`: new; `waiting`, `refused`: it was there; `full`: as many wait as may, nothing was recorded. */
export type Recorded =
  | { readonly type: 'recorded' | 'waiting' | 'refused'; readonly request: WaitingRequest }
  | { readonly type: 'full' };

/** No l, o, 0 and 1: an id is read from a screen and typed. */
const letters = 'abcdefghijkmnpqrstuvwxyz23456789';
const idLength = 4;

export class Requests {
  readonly #database: PrivateDatabase;

  constructor(database: PrivateDatabase) {
    this.#database = database;
  }

  /** Those that wait, the oldest first. */
  list(): WaitingRequest[] {
    return this.#database.all(requestOf, 'SELECT * FROM requests WHERE refused = 0 ORDER BY asked_at, id');
  }

  get(id: string): WaitingRequest | undefined {
    return this.#database.one(requestOf, 'SELECT * FROM requests WHERE id = @id', { id });
  }

  record(ask: Ask, nowMs: number): Recorded {
    return this.#database.transact(() => {
      const known = this.#same(ask);
      if (known) return { type: known.refused ? 'refused' : 'waiting', request: known };
      if (!this.#room(ask.peer.fingerprint)) return { type: 'full' };
      return { type: 'recorded', request: this.#insert(ask, nowMs) };
    });
  }

  /** Remembers the owner's no. Undefined if nothing of that id waits. */
  refuse(id: string): WaitingRequest | undefined {
    const sql = 'UPDATE requests SET refused = 1 WHERE id = @id AND refused = 0';
    const changes = this.#database.run(sql, { id });
    return changes === 1 ? this.get(id) : undefined;
  }

  /** Takes a request out, to act on it in the same transaction. Undefined if nothing of that id waits. */
  take(id: string): WaitingRequest | undefined {
    return this.#database.transact(() => {
      const request = this.get(id);
      if (!request || request.refused) return undefined;
      this.#database.run('DELETE FROM requests WHERE id = @id', { id });
      return request;
    });
  }

  /** What the owner has just decided for a peer makes its knock, waiting or refused, pointless. */
  forgetKnock(fingerprint: Uint8Array): void {
    const sql = "DELETE FROM requests WHERE peer_fingerprint = @fingerprint AND kind = 'knock'";
    this.#database.run(sql, { fingerprint });
  }

  #same(ask: Ask): WaitingRequest | undefined {
    const sql = `SELECT * FROM requests
      WHERE peer_fingerprint = @fingerprint AND kind = @kind AND image_id = @imageId`;
    const { kind, peer } = ask;
    return this.#database.one(requestOf, sql, {
      kind,
      fingerprint: peer.fingerprint,
      imageId: imageIdOf(ask),
    });
  }

  /** Old refusals give way to new requests; requests that wait do not. */
  #room(fingerprint: Uint8Array): boolean {
    return (
      this.#makeRoom(VAULT_LIMITS.requestsPerPeerMax, 'peer_fingerprint = @fingerprint', { fingerprint }) &&
      this.#makeRoom(VAULT_LIMITS.requestsMax, 'TRUE', {})
    );
  }

  #makeRoom(limit: number, scope: string, values: Values): boolean {
    const counting = `SELECT count(*) AS count FROM requests WHERE ${scope}`;
    const count = () => this.#database.one((row) => whole(row, 'count'), counting, values)!;
    if (count() < limit) return true;
    this.#database.run(
      `DELETE FROM requests WHERE id =
         (SELECT id FROM requests WHERE refused = 1 AND ${scope} ORDER BY asked_at, id LIMIT 1)`,
      values,
    );
    return count() < limit;
  }

  #insert(ask: Ask, nowMs: number): WaitingRequest {
    const id = this.#freeId();
    this.#database.insert('requests', {
      id,
      kind: ask.kind,
      peer_name: ask.peer.name,
      peer_fingerprint: ask.peer.fingerprint,
      image_id: imageIdOf(ask),
      photo: ask.kind === 'photo' ? ask.photo : undefined,
      views: ask.kind === 'photo' ? ask.views : undefined,
      asked_at: nowMs,
    });
    return this.get(id)!;
  }

  #freeId(): string {
    for (;;) {
      const id = Array.from({ length: idLength }, () => letters[randomInt(letters.length)]).join('');
      if (!this.get(id)) return id;
    }
  }
}

function imageIdOf(ask: Ask): Uint8Array {
  return ask.kind === 'photo' ? ask.imageId : new Uint8Array();
}
