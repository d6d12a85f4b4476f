/**
 * Pictures on their way in. One lies beside the inbox, named by its snapshot, until every byte is there and the
 * digest is right; broken off, it waits to be resumed from where it stopped. docs/architecture.md, "The vault".
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { LIMITS } from '../../core/limits.js';
import { VaultError, translatingAsync } from './failures.js';
import type { CheckedRights, HeldGrants } from './held.js';
import type { Home } from './home.js';
import { VAULT_LIMITS } from './limits.js';
import type { Held } from './records.js';
import { StagedFile } from './staged-file.js';

/** What a sender announced; docs/format.md, "Limits". */
export interface Announced {
  readonly grantId: Uint8Array;
  /** SHA-256 of the carrier's file. */
  readonly snapshot: Uint8Array;
  readonly carrierBytes: number;
}

export interface TakenAs extends CheckedRights {
  readonly leader: string;
  readonly asked: boolean;
  readonly receivedAtMs: number;
}

const part = '.part';
/** As the directory has them. Only such a name becomes part of a file's. */
const nameForm = /^[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?$/;

export class Incoming {
  readonly #home: Home;
  readonly #held: HeldGrants;
  readonly #open = new Set<string>();

  constructor(home: Home, held: HeldGrants) {
    this.#home = home;
    this.#held = held;
  }

  /**
   * Begins to take a picture, or goes on with it. Busy: this very snapshot is coming on another stream, or as
   * many others as may. @throws VaultError
   */
  async open(announced: Announced): Promise<IncomingCarrier | 'busy'> {
    if (announced.carrierBytes > LIMITS.carrierBytesMax) throw new RangeError('a carrier is checked before');
    const name = hex(announced.snapshot);
    if (this.#open.has(name) || this.#open.size >= VAULT_LIMITS.incomingMax) return 'busy';
    this.#open.add(name);
    try {
      const file = path.join(this.#home.incoming, name + part);
      const hash = createHash('sha256');
      const staged = await translatingAsync(this.#home.folder, async () => {
        await this.#makeRoom(name + part);
        return StagedFile.resume(file, announced.carrierBytes, (piece) => hash.update(piece));
      });
      const close = () => this.#open.delete(name);
      return new IncomingCarrier(this.#home, this.#held, announced, { staged, hash }, close);
    } catch (error) {
      this.#open.delete(name);
      throw error;
    }
  }

  /** Removes what waited too long to be resumed. @throws VaultError */
  async clean(nowMs: number): Promise<void> {
    await translatingAsync(this.#home.folder, async () => {
      for (const { file, modifiedAtMs } of await this.#parts()) {
        if (nowMs - modifiedAtMs > VAULT_LIMITS.leftoverMs) await rm(file, { force: true });
      }
    });
  }

  /** The broken deliveries that were touched last are kept, so that the disk is not filled by beginning anew. */
  async #makeRoom(but: string): Promise<void> {
    const parts = await this.#parts();
    const idle = parts.filter(({ name }) => name !== but && !this.#open.has(name.slice(0, -part.length)));
    const surplus = parts.length - VAULT_LIMITS.incomingMax + 1;
    for (const { file } of idle.slice(0, Math.max(0, surplus))) await rm(file, { force: true });
  }

  /** The oldest first. */
  async #parts(): Promise<{ name: string; file: string; modifiedAtMs: number }[]> {
    const names = (await readdir(this.#home.incoming)).filter((name) => name.endsWith(part));
    const parts = await Promise.all(
      names.map(async (name) => {
        const file = path.join(this.#home.incoming, name);
        const found = await stat(file).catch(() => undefined);
        return found ? [{ name, file, modifiedAtMs: found.mtimeMs }] : [];
      }),
    );
    return parts.flat().sort((one, other) => one.modifiedAtMs - other.modifiedAtMs);
  }
}

/** One picture that comes. Ends with `take`, `close` (to be resumed) or `discard`. */
export class IncomingCarrier {
  /** Bytes that were here already: the sender goes on from there. */
  readonly offset: number;
  readonly #home: Home;
  readonly #held: HeldGrants;
  readonly #announced: Announced;
  readonly #staged: StagedFile;
  /** Of all that is here. */
  readonly #hash: Hash;
  readonly #whenOver: () => void;
  #over = false;

  constructor(
    home: Home,
    held: HeldGrants,
    announced: Announced,
    { staged, hash }: { staged: StagedFile; hash: Hash },
    whenOver: () => void,
  ) {
    this.#home = home;
    this.#held = held;
    this.#announced = announced;
    this.#staged = staged;
    this.#hash = hash;
    this.#whenOver = whenOver;
    this.offset = staged.size;
  }

  /** Where it lies until it is taken: to be looked into before. */
  get path(): string {
    return this.#staged.path;
  }

  /** Bytes that are here, `offset` included. */
  get size(): number {
    return this.#staged.size;
  }

  /** False, and nothing is written, if the sender sends more than it announced. @throws VaultError */
  async write(piece: Uint8Array): Promise<boolean> {
    if (this.size + piece.length > this.#announced.carrierBytes) return false;
    this.#hash.update(piece);
    await translatingAsync(this.#home.folder, () => this.#staged.write(piece));
    return true;
  }

  /**
   * Moves the picture into the inbox and remembers it: both durable on return, so that it may be acknowledged.
   * Undefined if it is not the one announced; it is removed then. @throws VaultError
   */
  async take(as: TakenAs): Promise<Held | undefined> {
    const { grantId, snapshot, carrierBytes } = this.#announced;
    const { leader, asked, receivedAtMs } = as;
    if (this.size !== carrierBytes || !sameBytes(this.#hash.digest(), snapshot)) {
      await this.discard();
      return undefined;
    }
    const file = path.join(this.#home.inbox, this.#fileName(as.owner.name, grantId));
    try {
      await translatingAsync(this.#home.folder, () => this.#staged.settle(file));
      return this.#held.receive(as, { file, snapshot, carrierBytes, leader, asked, receivedAtMs });
    } finally {
      this.#end();
    }
  }

  /** Stops here, to be resumed. */
  async close(): Promise<void> {
    if (this.#over) return;
    this.#end();
    await this.#staged.close();
  }

  async discard(): Promise<void> {
    if (this.#over) return;
    this.#end();
    await translatingAsync(this.#home.folder, () => this.#staged.discard());
  }

  #end(): void {
    this.#over = true;
    this.#whenOver();
  }

  /** Short for people; longer where a grant that begins alike has that name already. */
  #fileName(owner: string, grantId: Uint8Array): string {
    if (!nameForm.test(owner)) throw new VaultError('unusable', `"${owner}" is no name of the directory`);
    const short = `${owner}-${hex(grantId).slice(0, 8)}.png`;
    const other = this.#held.byFile(path.join(this.#home.inbox, short));
    return !other || sameBytes(other.grantId, grantId) ? short : `${owner}-${hex(grantId)}.png`;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
