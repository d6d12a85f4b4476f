/** A small file system in memory (tmpfs) that can be filled, so that a full disk costs nobody else anything. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

export class Disk {
  readonly folder: string;
  readonly #ballast: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.#ballast = path.join(folder, 'ballast');
  }

  /** Undefined where this user may mount nothing. */
  static mount(folder: string, mebibytes: number): Disk | undefined {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    try {
      run('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700`, 'tmpfs', folder);
      return new Disk(folder);
    } catch {
      return undefined;
    }
  }

  /** To the last byte. */
  fill(): void {
    const file = openSync(this.#ballast, 'w');
    const zeros = Buffer.alloc(1024 * 1024);
    try {
      for (let bytes = zeros.length; bytes >= 512; bytes /= 2) fillIn(file, zeros.subarray(0, bytes));
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  remove(): void {
    run('umount', '--lazy', this.folder);
  }
}

function fillIn(file: number, piece: Uint8Array): void {
  try {
    while (writeSync(file, piece) === piece.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function run(...[program, ...words]: readonly [string, ...string[]]): void {
  execFileSync(program, words, { stdio: 'pipe', timeout: 10_000 });
}
