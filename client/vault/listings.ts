/** The last listing that this viewer saw of each peer's gallery: what a typed number means. */
import type { PrivateDatabase } from './database.js';
import { VAULT_LIMITS } from './limits.js';
import type { ListingLine } from './records.js';
import { listingLineOf } from './rows.js';

export class Listings {
  readonly #database: PrivateDatabase;

  constructor(database: PrivateDatabase) {
    this.#database = database;
  }

  /** The new listing takes the place of the old one, at once. Lines beyond the limit are not remembered. */
  replace(peer: string, lines: readonly ListingLine[]): void {
    this.#database.transact(() => {
      this.#database.run('DELETE FROM listings WHERE peer = @peer', { peer });
      for (const { number, imageId, name } of lines.slice(0, VAULT_LIMITS.listingLinesMax)) {
        this.#database.insert('listings', { peer, number, image_id: imageId, name }, 'REPLACE');
      }
    });
  }

  byNumber(peer: string, number: number): ListingLine | undefined {
    const sql = 'SELECT * FROM listings WHERE peer = @peer AND number = @number';
    return this.#database.one(listingLineOf, sql, { peer, number });
  }

  byName(peer: string, name: string): ListingLine | undefined {
    const sql = 'SELECT * FROM listings WHERE peer = @peer AND name = @name ORDER BY number LIMIT 1';
    return this.#database.one(listingLineOf, sql, { peer, name });
  }

  list(peer: string): ListingLine[] {
    return this.#database.all(listingLineOf, 'SELECT * FROM listings WHERE peer = @peer ORDER BY number', {
      peer,
    });
  }
}
