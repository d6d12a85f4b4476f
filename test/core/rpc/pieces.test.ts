import test from 'ava';
import fc from 'fast-check';
import { RPC_LIMITS } from '../../../core/rpc/limits.js';
import { inPieces } from '../../../core/rpc/pieces.js';
import { cutAt, patterned, same } from '../streams.js';

const { pieceBytes } = RPC_LIMITS;
const bytes = patterned(3 * pieceBytes + 1, 1);

test('all pieces but the last are full, none is empty, and no byte is lost', async (t) => {
  const lengths = fc.constantFrom(0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, bytes.length);
  const cuts = fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(lengths, cuts, async (length, places) => {
      const whole = bytes.subarray(0, length);
      const pieces: Uint8Array[] = [];
      for await (const piece of inPieces(cutAt(whole, places))) pieces.push(piece);
      t.is(pieces.length, Math.ceil(length / pieceBytes));
      t.true(pieces.slice(0, -1).every((piece) => piece.length === pieceBytes));
      t.true(same(Buffer.concat(pieces), whole));
    }),
  );
});
