/**
 * Adler-32 (RFC 1950, section 8.2) of rows, and of rows of which some were replaced: node:zlib computes it inside
 * zlib streams only, and a carrier's stream is made in bands, elsewhere and in no order.
 */

const modulus = 65_521;
/** So many bytes can be summed before the larger sum passes 2^32: zlib's NMAX is 5552, ours is smaller for steps of four. */
const runBytes = 3_800;

export function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(at + runBytes, bytes.length);
    for (; at + 3 < end; at += 4) {
      const a = bytes[at]!;
      const b = bytes[at + 1]!;
      const c = bytes[at + 2]!;
      const d = bytes[at + 3]!;
      high = (high + 4 * low + 4 * a + 3 * b + 2 * c + d) | 0;
      low = (low + a + b + c + d) | 0;
    }
    for (; at < end; at += 1) {
      low += bytes[at]!;
      high += low;
    }
    low = (low >>> 0) % modulus;
    high = (high >>> 0) % modulus;
  }
  return joined(low, high);
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
