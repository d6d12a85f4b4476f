/**
 * Samples of 16 bits, as PNG has them, from the cover's bytes (high) and data (low), and the low bytes back.
 * These loops are much of the time of a hiding. Typed arrays widen and narrow bytes natively; what is left is done by
 * words of four bytes, in memory that is used again: fresh memory costs more than what is done with it.
 */

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** So many words a step, and so rows are padded. */
const step = 4;

/**
 * Makes rows of so many samples: `high[0] low[0] high[1] low[1] ...`. What is returned is overwritten by the next
 * row, and may be changed until then.
 */
export function interleaver(samples: number): (high: Uint8Array, low: Uint8Array) => Uint8Array {
  const words = step * Math.ceil(samples / 2 / step);
  const [first, second] = [new Int32Array(words), new Int32Array(words)];
  const [firsts, seconds] = [new Uint16Array(first.buffer), new Uint16Array(second.buffer)];
  const row = new Uint8Array(first.buffer, 0, 2 * samples);
  return (high, low) => {
    // A sample's lesser byte, of the two in memory, needs no shift.
    firsts.set(littleEndian ? high : low);
    seconds.set(littleEndian ? low : high);
    for (let word = 0; word < words; word += step) {
      first[word]! |= second[word]! << 8;
      first[word + 1]! |= second[word + 1]! << 8;
      first[word + 2]! |= second[word + 2]! << 8;
      first[word + 3]! |= second[word + 3]! << 8;
    }
    return row;
  };
}

/**
 * Takes from each byte of a row the one that is so many bytes before it, or nothing: in place, modulo 256. Four bytes
 * at once: Warren, Hacker's Delight, second edition, section 2-18. The row begins where its buffer does, which is
 * longer, at least to whole words.
 */
export function differencer(rowBytes: number, distance: number): (row: Uint8Array) => void {
  const words = Math.ceil(rowBytes / 4);
  const before = new Int32Array(words);
  const earlier = new Uint8Array(before.buffer, distance);
  return (row) => {
    earlier.set(row.subarray(0, earlier.length));
    const now = new Int32Array(row.buffer, 0, words);
    for (let word = 0; word < words; word += 1) {
      const a = now[word]!;
      const b = before[word]!;
      now[word] = ((a | topBits) - (b & ~topBits)) ^ ((a ^ ~b) & topBits);
    }
  };
}

const topBits = 0x80_80_80_80 | 0;

/**
 * Takes from rows of so many samples every second byte, from the second on, and puts them into `low`, at a place: they
 * are what is left of samples that begin one byte later when they are narrowed.
 */
export function narrower(samples: number): (row: Uint8Array, low: Uint8Array, at: number) => void {
  const later = new Uint16Array(samples);
  const bytes = new Uint8Array(later.buffer);
  return (row, low, at) => {
    bytes.set(littleEndian ? row.subarray(1) : row);
    low.set(later, at);
  };
}
