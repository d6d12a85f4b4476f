/**
 * A file that is not there before it is whole: written beside its place, synced, renamed, and the folder synced.
 * Pieces are written at their offset, so that two writers of the same bytes (a delivery that was begun twice) cannot
 * spoil each other's work.
 */
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';

const readBytes = 1024 * 1024;

export class StagedFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #size = 0;

  private constructor(file: string, handle: FileHandle) {
    this.path = file;
    this.#handle = handle;
  }

  /** A new one. @throws the system's errors */
  static async begin(file: string): Promise<StagedFile> {
    return new StagedFile(file, await open(file, 'wx', 0o600));
  }

  /**
   * Goes on with what is there, at most `bytesMax` of it, or begins. @param present is shown what is there
   * @throws the system's errors
   */
  static async resume(
    file: string,
    bytesMax: number,
    present: (piece: Uint8Array) => void,
  ): Promise<StagedFile> {
    const staged = new StagedFile(file, await openOrMake(file));
    try {
      await staged.#readPresent(bytesMax, present);
      return staged;
    } catch (error) {
      await staged.close();
      throw error;
    }
  }

  /** Bytes that are written. */
  get size(): number {
    return this.#size;
  }

  async write(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.length;) {
      const { bytesWritten } = await this.#handle.write(piece, at, piece.length - at, this.#size);
      at += bytesWritten;
      this.#size += bytesWritten;
    }
  }

  /** Durable under its name on return; whatever had that name is replaced. */
  async settle(target: string): Promise<void> {
    await this.#handle.truncate(this.#size);
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.path, target);
    await syncFolder(path.dirname(target));
  }

  /** Leaves it where it is, to be resumed. */
  async close(): Promise<void> {
    await this.#handle.close();
  }

  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.path, { force: true });
  }

  async #readPresent(bytesMax: number, present: (piece: Uint8Array) => void): Promise<void> {
    const buffer = Buffer.allocUnsafe(readBytes);
    while (this.#size < bytesMax) {
      const length = Math.min(buffer.length, bytesMax - this.#size);
      const { bytesRead } = await this.#handle.read(buffer, 0, length, this.#size);
      if (bytesRead === 0) return;
      present(buffer.subarray(0, bytesRead));
      this.#size += bytesRead;
    }
  }
}

async function openOrMake(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return await open(file, 'wx+', 0o600);
  }
}

/** So that the rename outlives a power failure. Windows knows no such thing and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
