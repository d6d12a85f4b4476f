/** Cuts what a disk gives into the pieces that a stream takes. */
import { RPC_LIMITS } from '../../core/rpc/limits.js';

export async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += RPC_LIMITS.pieceBytes) {
      yield chunk.subarray(at, at + RPC_LIMITS.pieceBytes);
    }
  }
}
