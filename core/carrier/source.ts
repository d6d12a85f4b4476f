/** Where a carrier is read from: a file, or bytes. Readers ask for what they need, in any order. */
import { FormatError } from '../format-error.js';
import { LIMITS } from '../limits.js';

export interface Source {
  /** Length of the file. */
  readonly bytes: number;
  /** Exactly these bytes. @throws FormatError (png) if the file ends before */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** What is used of an open file (`FileHandle` of node:fs/promises). */
export interface ReadableFile {
  stat(): Promise<{ readonly size: number }>;
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
}

/** @throws FormatError (png) if the file is too large to be a carrier */
export async function fileSource(file: ReadableFile): Promise<Source> {
  const { size } = await file.stat();
  checkSize(size);
  return {
    bytes: size,
    async read(position, length) {
      const buffer = new Uint8Array(checkedLength(position, length, size));
      for (let at = 0; at < length;) {
        const { bytesRead } = await file.read(buffer, at, length - at, position + at);
        if (bytesRead === 0) throw ended();
        at += bytesRead;
      }
      return buffer;
    },
  };
}

/** @throws FormatError (png) if these are too many bytes to be a carrier */
export function bytesSource(bytes: Uint8Array): Source {
  checkSize(bytes.length);
  return {
    bytes: bytes.length,
    async read(position, length) {
      return bytes.subarray(position, position + checkedLength(position, length, bytes.length));
    },
  };
}

/** The bytes from a position to the end, in pieces of at most `pieceBytes`. */
export async function* piecesOf(
  source: Source,
  { from, to = source.bytes, pieceBytes }: { from: number; to?: number; pieceBytes: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = from; at < to; at += pieceBytes) yield await source.read(at, Math.min(pieceBytes, to - at));
}

function checkSize(bytes: number): void {
  if (bytes > LIMITS.carrierBytesMax) {
    throw new FormatError('png', `a file of ${bytes} bytes is no carrier: at most ${LIMITS.carrierBytesMax}`);
  }
}

function checkedLength(position: number, length: number, bytes: number): number {
  if (position + length > bytes) throw ended();
  return length;
}

function ended(): FormatError {
  return new FormatError('png', 'the file ends too early: it was not transferred whole, fetch it again');
}
