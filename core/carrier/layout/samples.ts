/**
 * Samples of 16 bits, as PNG has them, from the cover's bytes (high) and data (low), and the low bytes back.
 * Two samples a step: these loops are half the time of a hiding.
 */

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
/** Where the four bytes of two samples stand in a word. */
const [firstHigh, firstLow, nextHigh, nextLow] = littleEndian
  ? ([0, 8, 16, 24] as const)
  : ([24, 16, 8, 0] as const);

/** `high[0] low[0] high[1] low[1] ...`; both are of one length. */
export function interleaved(high: Uint8Array, low: Uint8Array): Uint8Array {
  const words = new Uint32Array(Math.ceil(low.length / 2));
  const pairs = Math.floor(low.length / 2);
  for (let word = 0, at = 0; word < pairs; word += 1, at += 2) {
    words[word] =
      (high[at]! << firstHigh) |
      (low[at]! << firstLow) |
      (high[at + 1]! << nextHigh) |
      (low[at + 1]! << nextLow);
  }
  const bytes = new Uint8Array(words.buffer, 0, 2 * low.length);
  if (low.length % 2 === 1) bytes.set([high.at(-1)!, low.at(-1)!], bytes.length - 2);
  return bytes;
}

/** Every second byte, from the second on. */
export function lowOf(samples: Uint8Array): Uint8Array {
  const words = new Uint32Array(Math.ceil(samples.length / 4));
  new Uint8Array(words.buffer).set(samples);
  const low = new Uint8Array(2 * words.length);
  for (let word = 0, at = 0; word < words.length; word += 1, at += 2) {
    low[at] = words[word]! >>> firstLow;
    low[at + 1] = words[word]! >>> nextLow;
  }
  return low.subarray(0, samples.length / 2);
}
