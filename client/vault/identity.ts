/**
 * Who this vault is. Its keys exist before its name: a join that broke off is taken up with the same keys. The private
 * ones may lie under a passphrase; a process that has seen them keeps them, whatever another does to the vault.
 */
import type { PrivateDatabase } from './database.js';
import { VaultError, damaged, locked } from './failures.js';
import type { Identity, Membership, OwnKeys, PrivateKeys } from './records.js';
import { encodeBlobs, encodeKeys, encodeTexts, identityOf } from './rows.js';
import { unwrap, wrap } from './wrapping.js';
import type { Wrapped } from './wrapping.js';

export class IdentityRecord {
  readonly #database: PrivateDatabase;
  readonly #folder: string;
  #seen: (PrivateKeys & Pick<Identity, 'fingerprint'>) | undefined;

  constructor(database: PrivateDatabase, folder: string) {
    this.#database = database;
    this.#folder = folder;
  }

  /** @throws VaultError (locked) if the keys are under a passphrase, and `unlock` was not given it */
  get(): Identity | undefined {
    const row = this.#stored();
    if (!row) return undefined;
    const { wrapped, bare, ...known } = row;
    if (!wrapped) this.#seen = { ...bare, fingerprint: known.fingerprint };
    if (!this.#seen || !same(this.#seen.fingerprint, known.fingerprint)) throw locked(this.#folder);
    return { ...known, ...this.#seen };
  }

  /** The private keys are under a passphrase. */
  get wrapped(): boolean {
    return this.#stored()?.wrapped !== undefined;
  }

  /** Opens the private keys for this process. @throws VaultError (wrong-passphrase) */
  async unlock(passphrase: string): Promise<void> {
    const row = this.#stored();
    if (!row?.wrapped) return;
    const { wrapped, fingerprint } = row;
    const bytes = await unwrap(wrapped, passphrase, fingerprint, this.#folder);
    this.#seen = { ...decodePrivate(bytes, this.#folder), fingerprint };
  }

  /**
   * Puts the private keys under a passphrase, in the place of another if there is one; undefined: stores them bare.
   * Nothing is left in the files of how they lay there before. @throws VaultError (locked)
   */
  async protect(passphrase: string | undefined): Promise<void> {
    const identity = this.get();
    if (!identity?.membership) throw this.#taken();
    const { fingerprint } = identity;
    if (passphrase === undefined) this.#store(identity, undefined, fingerprint);
    else this.#store(noKeys, await wrap(encodePrivate(identity), passphrase, fingerprint), fingerprint);
    if (!this.#database.scrub()) throw unscrubbed(this.#folder);
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

  #stored() {
    return this.#database.one(identityOf, 'SELECT * FROM identity');
  }

  #store(bare: PrivateKeys, wrapped: Wrapped | undefined, fingerprint: Uint8Array): void {
    const changes = this.#database.run(
      `UPDATE identity SET signing_key = @signingKey, agreement_key = @agreementKey, image_key = @imageKey,
         wrapped_keys = @sealed, wrap_salt = @salt, wrap_cost = @cost, wrap_block_size = @blockSize,
         wrap_parallel = @parallel
       WHERE fingerprint = @fingerprint AND name IS NOT NULL`,
      {
        signingKey: bare.signingKey,
        agreementKey: bare.agreementKey,
        imageKey: bare.imageKey,
        sealed: wrapped?.sealed,
        salt: wrapped?.salt,
        cost: wrapped?.cost,
        blockSize: wrapped?.blockSize,
        parallel: wrapped?.parallel,
        fingerprint,
      },
    );
    if (changes === 0) throw this.#taken();
  }

  #taken(): VaultError {
    const name = this.get()?.membership?.name;
    return name === undefined
      ? new VaultError('taken', 'the vault has no keys to join with: run `glimpse join` again')
      : new VaultError('taken', `this vault is ${name}'s: run \`glimpse leave\` first, or set GLIMPSE_HOME`);
  }
}

const none = new Uint8Array();
const noKeys: PrivateKeys = { signingKey: none, agreementKey: none, imageKey: none };

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const encodePrivate = ({ signingKey, agreementKey, imageKey }: PrivateKeys): Uint8Array =>
  Buffer.from(encodeBlobs([signingKey, agreementKey, imageKey]));

/** What opened under the passphrase was written by `encodePrivate`. @throws VaultError (damaged) */
function decodePrivate(bytes: Uint8Array, folder: string): PrivateKeys {
  const texts = JSON.parse(Buffer.from(bytes).toString('utf8')) as readonly string[];
  const [signingKey, agreementKey, imageKey] = texts.map(
    (each) => new Uint8Array(Buffer.from(each, 'base64')),
  );
  if (!signingKey || !agreementKey || !imageKey) throw damaged(folder);
  return { signingKey, agreementKey, imageKey };
}

function unscrubbed(folder: string): VaultError {
  return new VaultError(
    'busy',
    `it was done, but another program holds open what the vault in ${folder} was before: repeat the command`,
  );
}
