/**
 * Adler-32 (RFC 1950, section 8.2) of rows, and of rows of which some were replaced: a carrier's stream is made in
 * bands, elsewhere and in no order.
 */
import { deflateSync } from 'node:zlib';

const modulus = 65_521;
/** So much is summed at once: what zlib gives beside the sum is a copy, in memory that is used again if it is small. */
const runBytes = 131_072;

export function adler32(bytes: Uint8Array): number {
  let adler = 1;
  for (let at = 0; at < bytes.length; at += runBytes) {
    const run = bytes.subarray(at, at + runBytes);
    adler = adlerOfBoth(adler, adlerOfRun(run), run.length);
  }
  return adler;
}

/** zlib ends its streams with the sum of what they hold. One that only stores costs a fifth of a loop over the bytes. */
function adlerOfRun(bytes: Uint8Array): number {
  const stream = deflateSync(bytes, { level: 0, memLevel: 1, windowBits: 9, chunkSize: bytes.length + 64 });
  return stream.readUInt32BE(stream.length - 4);
}

/** Of `first || second`, from that of each; `secondBytes` is the length of the second. */
export function adlerOfBoth(first: number, second: number, secondBytes: number): number {
  const low = (lowOf(first) + lowOf(second) - 1 + modulus) % modulus;
  const high =
    (highOf(first) + highOf(second) + (secondBytes % modulus) * (lowOf(first) - 1 + modulus)) % modulus;
  return joined(low, high);
}

/** Of `new first || rest`, from that of `old first || rest`: first parts are equally long, and `restBytes` follow. */
export function adlerReplaced(total: number, oldFirst: number, newFirst: number, restBytes: number): number {
  const difference = (lowOf(newFirst) - lowOf(oldFirst) + modulus) % modulus;
  const low = (lowOf(total) + difference) % modulus;
  const high =
    (highOf(total) + highOf(newFirst) - highOf(oldFirst) + modulus + (restBytes % modulus) * difference) %
    modulus;
  return joined(low, high);
}

function lowOf(adler: number): number {
  return adler & 0xffff;
}

function highOf(adler: number): number {
  return adler >>> 16;
}

function joined(low: number, high: number): number {
  return ((high << 16) | low) >>> 0;
}
