/**
 * Both locks: chunked AEAD, STREAM as in age, with AES-256-GCM. docs/format.md, "Sealing".
 * A key seals one plaintext and never another; it is an argument, and nothing is drawn here.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { FormatError } from '../format-error.js';
import { LIMITS } from '../limits.js';
import { cut } from './cut.js';

const cipher = 'aes-256-gcm';
const tagBytes = 16;

/** Length of `plainBytes` bytes when sealed. */
export function sealedBytes(plainBytes: number): number {
  return plainBytes + tagBytes * Math.max(1, Math.ceil(plainBytes / LIMITS.segmentBytes));
}

/** Length of the plaintext of `sealed` bytes, or undefined if no plaintext is that long when sealed. */
export function plainBytes(sealed: number): number | undefined {
  const segments = Math.ceil(sealed / (LIMITS.segmentBytes + tagBytes));
  const plain = sealed - tagBytes * segments;
  return plain >= 0 && sealedBytes(plain) === sealed ? plain : undefined;
}

/** Seals a stream, chunk by chunk, holding one segment. */
export async function* seal(
  key: Uint8Array,
  plaintext: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let index = 0;
  for await (const { bytes, last } of cut(plaintext, LIMITS.segmentBytes)) {
    const segment = createCipheriv(cipher, key, nonce(index, last));
    const sealed = segment.update(bytes);
    segment.final();
    yield Buffer.concat([sealed, segment.getAuthTag()]);
    index += 1;
  }
}

/**
 * Opens a stream, chunk by chunk; a chunk is released only when it is authentic, but whether the stream is whole
 * shows only when it ends.
 * @throws FormatError of `lock` if the key is another's, or bytes were changed, moved, left out or added
 */
export async function* open(
  key: Uint8Array,
  sealed: AsyncIterable<Uint8Array>,
  lock: 'cloud-lock' | 'owner-lock',
): AsyncGenerator<Uint8Array, void, undefined> {
  let index = 0;
  for await (const { bytes, last } of cut(sealed, LIMITS.segmentBytes + tagBytes)) {
    const plain = openSegment(key, bytes, nonce(index, last));
    if (plain === undefined || (plain.length === 0 && index > 0)) {
      throw new FormatError(
        lock,
        `segment ${index} does not open: the picture is damaged, or of another key`,
      );
    }
    yield plain;
    index += 1;
  }
}

function openSegment(key: Uint8Array, sealed: Uint8Array, iv: Uint8Array): Uint8Array | undefined {
  const end = sealed.length - tagBytes;
  if (end < 0) return undefined;
  const segment = createDecipheriv(cipher, key, iv, { authTagLength: tagBytes });
  segment.setAuthTag(sealed.subarray(end));
  const plain = segment.update(sealed.subarray(0, end));
  try {
    segment.final();
    return plain;
  } catch {
    return undefined;
  }
}

/** `index (11 bytes) || last`: a segment opens in its place alone, and the last one nowhere else. */
function nonce(index: number, last: boolean): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeUIntBE(index, 5, 6);
  bytes[11] = last ? 1 : 0;
  return bytes;
}
