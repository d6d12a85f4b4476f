/**
 * Whom this client knows. The key of a name is pinned at first contact; another key for that name is an alarm
 * that stands until the owner accepts it, and is never used before. docs/threat-model.md.
 */
import type { PrivateDatabase } from './database.js';
import type { Contact, Peer, Policy } from './records.js';
import { contactOf, encodeKeys } from './rows.js';

/** `pinned`: first contact; `changed`: the peer came with other keys than the pinned ones, which still stand. */
export interface Meeting {
  readonly type: 'pinned' | 'known' | 'changed';
  readonly contact: Contact;
}

export class Contacts {
  readonly #database: PrivateDatabase;

  constructor(database: PrivateDatabase) {
    this.#database = database;
  }

  get(name: string): Contact | undefined {
    return this.#database.one(contactOf, 'SELECT * FROM contacts WHERE name = @name', { name });
  }

  /** In the order of names. */
  list(): Contact[] {
    return this.#database.all(contactOf, 'SELECT * FROM contacts ORDER BY name');
  }

  /** Pins the keys of a new name, and records the alarm if a known name comes with others. */
  meet({ name, keys, fingerprint }: Peer, nowMs: number): Meeting {
    return this.#database.transact(() => {
      const encoded = encodeKeys(keys);
      const row = { name, fingerprint, keys: encoded, pinned_at: nowMs };
      const pinned = this.#database.insert('contacts', row, 'IGNORE');
      if (pinned === 1) return { type: 'pinned', contact: this.#known(name) };
      const changed = this.#database.run(
        `UPDATE contacts SET changed_fingerprint = @fingerprint, changed_keys = @encoded, changed_at = @nowMs
         WHERE name = @name AND fingerprint <> @fingerprint`,
        { name, fingerprint, encoded, nowMs },
      );
      return { type: changed === 1 ? 'changed' : 'known', contact: this.#known(name) };
    });
  }

  /** False if the name was never met. */
  allow(name: string, policy: Policy): boolean {
    return (
      this.#database.run('UPDATE contacts SET policy = @policy WHERE name = @name', { name, policy }) === 1
    );
  }

  /** Two people compared the safety number of exactly this key; false if it is not the pinned one. */
  verify(name: string, fingerprint: Uint8Array): boolean {
    const sql = 'UPDATE contacts SET verified = 1 WHERE name = @name AND fingerprint = @fingerprint';
    return this.#database.run(sql, { name, fingerprint }) === 1;
  }

  /**
   * The owner takes the keys of an alarm for the peer's. They are pinned, unverified; the policy stays. False if
   * the alarm is about other keys by now.
   */
  accept(name: string, fingerprint: Uint8Array, nowMs: number): boolean {
    return (
      this.#database.run(
        `UPDATE contacts SET fingerprint = changed_fingerprint, keys = changed_keys, verified = 0, address = NULL,
           pinned_at = @nowMs, changed_fingerprint = NULL, changed_keys = NULL, changed_at = NULL
         WHERE name = @name AND changed_fingerprint = @fingerprint`,
        { name, fingerprint, nowMs },
      ) === 1
    );
  }

  /** Where the peer with the pinned key was reached. */
  reached(name: string, address: string): void {
    const sql = 'UPDATE contacts SET address = @address WHERE name = @name AND address IS NOT @address';
    this.#database.run(sql, { name, address });
  }

  #known(name: string): Contact {
    return this.get(name)!;
  }
}
