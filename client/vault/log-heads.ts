/**
 * The heads of logs as this client has seen them: what `glimpse log --verify` proves against. The first head that
 * was seen of a length stands; whoever tells another later is found out by it. docs/format.md, "Log".
 */
import type { LogHead } from '../../core/rights/log.js';
import type { PrivateDatabase } from './database.js';
import { VAULT_LIMITS } from './limits.js';
import type { SeenHead } from './records.js';
import { seenHeadOf } from './rows.js';

export class LogHeads {
  readonly #database: PrivateDatabase;

  constructor(database: PrivateDatabase) {
    this.#database = database;
  }

  /** Durable on return. The oldest are forgotten beyond a bound: every later one stands for them too. */
  see(grantId: Uint8Array, heads: readonly LogHead[], nowMs: number): void {
    this.#database.transact(() => {
      for (const { length, head } of heads.slice(-VAULT_LIMITS.headsPerGrantMax)) {
        if (length === 0) continue;
        this.#database.insert('log_heads', { grant_id: grantId, length, head, seen_at: nowMs }, 'IGNORE');
      }
      this.#database.run(
        `DELETE FROM log_heads WHERE grant_id = @grantId AND length <=
           (SELECT length FROM log_heads WHERE grant_id = @grantId ORDER BY length DESC LIMIT 1 OFFSET @kept)`,
        { grantId, kept: VAULT_LIMITS.headsPerGrantMax },
      );
    });
  }

  /** By length. */
  of(grantId: Uint8Array): SeenHead[] {
    return this.#database.all(
      seenHeadOf,
      'SELECT length, head, seen_at FROM log_heads WHERE grant_id = @grantId ORDER BY length',
      { grantId },
    );
  }
}
