/** The outbox as it lies on the disk; its rules are in rules/outbox.ts. docs/architecture.md, "The outbox". */
import type { PrivateDatabase } from './database.js';
import type { OutboxItem } from './records.js';
import { outboxItemOf } from './rows.js';
import type { OutboxKind } from './rules/outbox.js';
import { backoffMs, due, supersedes } from './rules/outbox.js';

export interface Errand {
  readonly kind: OutboxKind;
  readonly grantId: Uint8Array;
  readonly version: number;
}

export class Outbox {
  readonly #database: PrivateDatabase;

  constructor(database: PrivateDatabase) {
    this.#database = database;
  }

  /** In the order of queueing. */
  list(): OutboxItem[] {
    return this.#database.all(outboxItemOf, 'SELECT * FROM outbox ORDER BY id');
  }

  /** Due at once. What it supersedes is gone with the same write. */
  add(errand: Errand, nowMs: number): OutboxItem {
    return this.#database.transact(() => {
      for (const older of this.#ofGrant(errand.grantId)) {
        if (supersedes(errand, older)) this.done(older.id);
      }
      const { kind, grantId, version } = errand;
      this.#database.insert('outbox', { kind, grant_id: grantId, version, due_at: nowMs, queued_at: nowMs });
      return this.#ofGrant(grantId).at(-1)!;
    });
  }

  /** What may be tried now. */
  due(nowMs: number): OutboxItem[] {
    return due(this.list(), nowMs);
  }

  /** Come back with a power failure it is done again, which changes nothing. */
  done(id: number): void {
    this.#database.note(() => this.#database.run('DELETE FROM outbox WHERE id = @id', { id }));
  }

  /** Tried in vain: to be tried again after a pause that grows. `chance` in [0, 1). */
  failed(id: number, error: string, nowMs: number, chance: number): OutboxItem | undefined {
    return this.#database.transact(() => {
      const item = this.#get(id);
      if (!item) return undefined;
      const attempts = item.attempts + 1;
      this.#database.run(
        'UPDATE outbox SET attempts = @attempts, last_error = @error, due_at = @dueAtMs WHERE id = @id',
        { id, attempts, error, dueAtMs: nowMs + backoffMs(attempts, chance) },
      );
      return this.#get(id);
    });
  }

  /** Whoever stood in the way is back: all that waits for this viewer is due now, its pauses begin anew. */
  wakeViewer(viewerFingerprint: Uint8Array, nowMs: number): void {
    this.#database.run(
      `UPDATE outbox SET due_at = @nowMs, attempts = 0 WHERE kind = 'deliver'
         AND grant_id IN (SELECT grant_id FROM given WHERE viewer_fingerprint = @viewerFingerprint)`,
      { viewerFingerprint, nowMs },
    );
  }

  /** The cloud answers again: all that waits for it is due now. */
  wakeCloud(nowMs: number): void {
    this.#database.run(
      `UPDATE outbox SET due_at = @nowMs, attempts = 0 WHERE kind IN ('rights-put', 'report-delivery')`,
      { nowMs },
    );
  }

  #get(id: number): OutboxItem | undefined {
    return this.#database.one(outboxItemOf, 'SELECT * FROM outbox WHERE id = @id', { id });
  }

  #ofGrant(grantId: Uint8Array): OutboxItem[] {
    return this.#database.all(outboxItemOf, 'SELECT * FROM outbox WHERE grant_id = @grantId ORDER BY id', {
      grantId,
    });
  }
}
