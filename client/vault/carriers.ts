/**
 * Pictures that a leader hid for this owner, kept as they came (their slot is noise) to be delivered, and to be
 * delivered again. The seal id names the hiding, its file and its row; rights point at it.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { LIMITS } from '../../core/limits.js';
import type { PrivateDatabase } from './database.js';
import { translatingAsync } from './failures.js';
import type { Home } from './home.js';
import { VAULT_LIMITS } from './limits.js';
import type { Carrier } from './records.js';
import { carrierOf } from './rows.js';
import { StagedFile } from './staged-file.js';

export class Carriers {
  readonly #database: PrivateDatabase;
  readonly #home: Home;

  constructor(database: PrivateDatabase, home: Home) {
    this.#database = database;
    this.#home = home;
  }

  /** Also a carrier whose file is gone: its keys still serve the grants that point at it. */
  get(sealId: Uint8Array): Carrier | undefined {
    return this.#database.one(carrierOf, 'SELECT * FROM carriers WHERE seal_id = @sealId', { sealId });
  }

  /** The newest hiding of an image under this cover whose file is there; undefined: hide it. */
  find(imageId: Uint8Array, cover: string): Carrier | undefined {
    const sql = 'SELECT * FROM carriers WHERE image_id = @imageId AND cover = @cover ORDER BY hidden_at DESC';
    return this.#database
      .all(carrierOf, sql, { imageId, cover })
      .find(({ sealId }) => existsSync(this.file(sealId)));
  }

  /** There is such a carrier, and its file: it can be delivered. */
  available(sealId: Uint8Array): boolean {
    return this.get(sealId) !== undefined && existsSync(this.file(sealId));
  }

  /** Where the file of a carrier lies. */
  file(sealId: Uint8Array): string {
    return path.join(this.#home.carriers, `${Buffer.from(sealId).toString('hex')}.png`);
  }

  /** Begins to keep what a leader sends. @throws VaultError */
  async begin(): Promise<CarrierWriter> {
    const file = path.join(this.#home.carriers, `${randomUUID()}.part`);
    const staged = await translatingAsync(this.#home.folder, () => StagedFile.begin(file));
    return new CarrierWriter(this.#home, staged, async (carrier) => {
      await staged.settle(this.file(carrier.sealId));
      this.#insert(carrier);
    });
  }

  /** Removes the files that no row names, and that nobody is about to name. @throws VaultError */
  async clean(nowMs: number): Promise<void> {
    const rows = this.#database.all(carrierOf, 'SELECT * FROM carriers');
    const named = new Set(rows.map(({ sealId }) => this.file(sealId)));
    await translatingAsync(this.#home.folder, async () => {
      for (const name of await readdir(this.#home.carriers)) {
        const file = path.join(this.#home.carriers, name);
        const found = named.has(file) ? undefined : await stat(file).catch(() => undefined);
        if (found && nowMs - found.mtimeMs > VAULT_LIMITS.leftoverMs) await rm(file, { force: true });
      }
    });
  }

  /** Durable with the rights that will name it; lost with the power before that, it is hidden anew. */
  #insert(carrier: Carrier): void {
    this.#database.note(() =>
      this.#database.insert(
        'carriers',
        {
          seal_id: carrier.sealId,
          secret_id: carrier.secretId,
          payload_digest: carrier.payloadDigest,
          payload_bytes: carrier.payloadBytes,
          file_key: carrier.fileKey,
          image_id: carrier.imageId,
          cover: carrier.cover,
          leader: carrier.leader,
          carrier_bytes: carrier.carrierBytes,
          hidden_at: carrier.hiddenAtMs,
        },
        'REPLACE',
      ),
    );
  }
}

/** One carrier that comes from its leader. Ends with `keep` or `discard`. */
export class CarrierWriter {
  readonly #home: Home;
  readonly #staged: StagedFile;
  readonly #settle: (carrier: Carrier) => Promise<void>;

  constructor(home: Home, staged: StagedFile, settle: (carrier: Carrier) => Promise<void>) {
    this.#home = home;
    this.#staged = staged;
    this.#settle = settle;
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#staged.size;
  }

  /** False, and nothing is written, beyond `carrierBytesMax`. @throws VaultError */
  async write(piece: Uint8Array): Promise<boolean> {
    if (this.size + piece.length > LIMITS.carrierBytesMax) return false;
    await translatingAsync(this.#home.folder, () => this.#staged.write(piece));
    return true;
  }

  /** The file is durable on return, and the row with the next change that is. @throws VaultError */
  async keep(facts: Omit<Carrier, 'carrierBytes'>): Promise<Carrier> {
    const carrier = { ...facts, carrierBytes: this.size };
    await translatingAsync(this.#home.folder, () => this.#settle(carrier));
    return carrier;
  }

  async discard(): Promise<void> {
    await translatingAsync(this.#home.folder, () => this.#staged.discard());
  }
}
