/** Bytes, cut anyhow, in the pieces that a stream takes: each is a message, and costs the same however short it is. */
import { cut } from '../seal/cut.js';
import { RPC_LIMITS } from './limits.js';

export async function* inPieces(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { bytes } of cut(chunks, RPC_LIMITS.pieceBytes)) if (bytes.length > 0) yield bytes;
}
