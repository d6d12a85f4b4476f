/**
 * Reads a photo's file, and only a photo's file: no link, pipe or device, none that changes while it is read,
 * none that is larger than `photoBytesMax`.
 */
import { createHmac } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { LIMITS } from '../../core/limits.js';
import { Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { GALLERY_LIMITS } from './limits.js';
import { stampOf } from './stamp.js';
import type { Stamp } from './stamp.js';

const imageIdBytes = 16;

export class PhotoFile {
  readonly #name: string;
  readonly #handle: FileHandle;
  readonly stamp: Stamp;

  private constructor(name: string, handle: FileHandle, stamp: Stamp) {
    this.#name = name;
    this.#handle = handle;
    this.stamp = stamp;
  }

  /**
   * @param file absolute, free of links
   * @param name for people
   * @throws Refused (BAD_PHOTO)
   */
  static async open(file: string, name: string): Promise<PhotoFile> {
    const handle = await openNoLink(file, name);
    try {
      const stats = await handle.stat({ bigint: true });
      if (!stats.isFile()) throw badPhoto(name, 'is not a file');
      const stamp = stampOf(stats);
      if (stamp.bytes === 0) throw badPhoto(name, 'is empty');
      if (stamp.bytes > LIMITS.photoBytesMax) {
        throw badPhoto(
          name,
          `has ${stamp.bytes} bytes; at most ${LIMITS.photoBytesMax} can be shared: export it smaller`,
        );
      }
      return new PhotoFile(name, handle, stamp);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Its bytes, in chunks of their own, or one after the other in `whole`, which has room for them all.
   * @throws Refused (BAD_PHOTO) if the file changes meanwhile
   */
  async *chunks(whole?: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    const { bytes } = this.stamp;
    for (let at = 0; at < bytes;) {
      const length = Math.min(GALLERY_LIMITS.chunkBytes, bytes - at);
      const chunk = whole?.subarray(at, at + length) ?? Buffer.allocUnsafe(length);
      const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) throw changed(this.#name);
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
    const now = stampOf(await this.#handle.stat({ bigint: true }));
    if (now.text !== this.stamp.text) throw changed(this.#name);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** The name of a photo, from its bytes: docs/format.md, "Keys". */
export class ImageIdHash {
  readonly #hmac;

  constructor(imageKey: Uint8Array) {
    this.#hmac = createHmac('sha256', imageKey);
  }

  update(chunk: Uint8Array): void {
    this.#hmac.update(chunk);
  }

  /** Once, at the end. */
  imageId(): Uint8Array {
    return new Uint8Array(this.#hmac.digest().subarray(0, imageIdBytes));
  }
}

export function badPhoto(name: string, what: string): Refused {
  return new Refused(Reason.BAD_PHOTO, `${name} ${what}`);
}

export function changed(name: string): Refused {
  return badPhoto(name, 'changed on the disk while it was used: try again');
}

/** A pipe must not keep us waiting; Windows knows neither flag. */
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW || 0) | (constants.O_NONBLOCK || 0);

async function openNoLink(file: string, name: string): Promise<FileHandle> {
  try {
    const handle = await open(file, flags);
    if ((await realpath(file)) === file) return handle;
    await handle.close();
  } catch (error) {
    // The code alone: the message has a path, and peers see what is said here.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ELOOP')
      throw badPhoto(name, `cannot be read (${code ?? 'unknown error'}): check that it is there`);
  }
  throw badPhoto(name, 'is behind a link, and links are not followed: put the file itself into the gallery');
}
