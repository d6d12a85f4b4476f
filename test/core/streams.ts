/** Streams for tests of what must not depend on how a stream is cut. */
import fc from 'fast-check';

/** The bytes in chunks that end at these places. */
export async function* cutAt(bytes: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  const ends = [...places.map((place) => Math.min(place, bytes.length)), bytes.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    yield bytes.subarray(start, end);
    start = end;
  }
}

/** Chunks of one length. */
export async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Whether they are the same bytes: ava's deepEqual would walk through them one by one. */
export function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Bytes that any seed repeats; cheap, for long ones. */
export function patterned(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 2 * seed + 1;
  for (let at = 0; at < length; at += 1) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** Where to cut `length` bytes: anywhere, and on both sides of segment ends. */
export function places(length: number): fc.Arbitrary<number[]> {
  const segmentEnds = [65_535, 65_536, 65_537, 65_551, 65_552, 65_553].filter((place) => place < length);
  return fc.array(fc.oneof(fc.nat({ max: length }), fc.constantFrom(0, length, ...segmentEnds)), {
    maxLength: 8,
  });
}
