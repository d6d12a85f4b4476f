/**
 * Cuts a stream into pieces of one length, and knows the last of them. Both directions of a lock work on pieces,
 * and so do the bands of a carrier, while chunks arrive cut anyhow.
 */

/** A piece of a stream. All are of full length but the last, which may be shorter, and empty only if it is alone. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/** Pieces may be views of the source's chunks: a source does not write into what it has yielded. */
export async function* cut(
  source: AsyncIterable<Uint8Array>,
  pieceBytes: number,
): AsyncGenerator<Piece, void, undefined> {
  let parts: Uint8Array[] = [];
  let filled = 0;
  for await (const chunk of source) {
    for (let rest = chunk; rest.length > 0;) {
      // A full piece waits for the byte that shows that it is not the last.
      if (filled === pieceBytes) {
        yield { bytes: joined(parts), last: false };
        parts = [];
        filled = 0;
      }
      const taken = rest.subarray(0, pieceBytes - filled);
      parts.push(taken);
      filled += taken.length;
      rest = rest.subarray(taken.length);
    }
  }
  yield { bytes: joined(parts), last: true };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
