/** Who this vault is. Its keys exist before its name: a join that broke off is taken up with the same keys. */
import type { PrivateDatabase } from './database.js';
import { VaultError } from './failures.js';
import type { Identity, Membership, OwnKeys } from './records.js';
import { encodeBlobs, encodeKeys, encodeTexts, identityOf } from './rows.js';

export class IdentityRecord {
  readonly #database: PrivateDatabase;

  constructor(database: PrivateDatabase) {
    this.#database = database;
  }

  get(): Identity | undefined {
    return this.#database.one(identityOf, 'SELECT * FROM identity');
  }

  /** Keeps the keys unless the vault has some: returns those that count. @throws VaultError */
  create(own: OwnKeys, recovery: string): Identity {
    return this.#database.transact(() => {
      const row = {
        only: 1,
        signing_key: own.signingKey,
        agreement_key: own.agreementKey,
        keys: encodeKeys(own.keys),
        fingerprint: own.fingerprint,
        image_key: own.imageKey,
        recovery,
      };
      this.#database.insert('identity', row, 'IGNORE');
      return this.get()!;
    });
  }

  /**
   * The cloud admitted these keys under a name. The recovery code is for the user to keep from here on.
   * @throws VaultError (taken) if the vault goes by another name or belongs to another cloud
   */
  join(membership: Membership): Identity {
    return this.#database.transact(() => {
      const changes = this.#database.run(
        `UPDATE identity SET name = @name, cloud_id = @cloudId, ca_certificate = @caCertificate,
           certificates = @certificates, servers = @servers, clock_offset_ms = @clockOffsetMs, recovery = NULL
         WHERE name IS NULL OR (name = @name AND cloud_id = @cloudId)`,
        {
          name: membership.name,
          cloudId: membership.cloudId,
          caCertificate: membership.caCertificate,
          certificates: encodeBlobs(membership.certificates),
          servers: encodeTexts(membership.servers),
          clockOffsetMs: membership.clockOffsetMs,
        },
      );
      if (changes === 0) throw this.#taken();
      return this.get()!;
    });
  }

  /** A fresh certificate for the same name and keys; mine first. */
  renew(certificates: readonly Uint8Array[]): void {
    this.#database.run('UPDATE identity SET certificates = @certificates WHERE name IS NOT NULL', {
      certificates: encodeBlobs(certificates),
    });
  }

  /** What a server said of the cloud. */
  heard(servers: readonly string[], clockOffsetMs: number): void {
    this.#database.run(
      'UPDATE identity SET servers = @servers, clock_offset_ms = @clockOffsetMs WHERE name IS NOT NULL',
      { servers: encodeTexts(servers), clockOffsetMs },
    );
  }

  #taken(): VaultError {
    const name = this.get()?.membership?.name;
    return name === undefined
      ? new VaultError('taken', 'the vault has no keys to join with: run `glimpse join` again')
      : new VaultError('taken', `this vault is ${name}'s: run \`glimpse leave\` first, or set GLIMPSE_HOME`);
  }
}
