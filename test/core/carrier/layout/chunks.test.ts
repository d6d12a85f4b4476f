import { constants, inflateRawSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { stored, unstored } from '../../../../core/carrier/layout/chunks.js';
import { patterned, same } from '../../streams.js';

const block = 65_535;
const lengths = fc.oneof(fc.nat(300), fc.integer({ min: block - 2, max: 2 * block + 2 }));

test('stored blocks hold what was stored, last or not', (t) => {
  const property = fc.property(lengths, fc.boolean(), (length, final) => {
    const bytes = patterned(length, 3);
    return same(unstored(Buffer.concat(stored(bytes, final)))!, bytes);
  });
  fc.assert(property);
  t.pass();
});

test('whatever counts as stored blocks, zlib reads the same in them', (t) => {
  let refused = 0;
  const changed = fc.tuple(lengths, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(3));
  const property = fc.property(changed, ([length, where, by, missing]) => {
    const blocks = Buffer.concat(stored(patterned(length + 1, 3), true));
    // Mostly within a header, where a change matters.
    const at = where % 2 === 0 ? where % 5 : where % blocks.length;
    blocks[at] = blocks[at]! ^ by;
    const given = blocks.subarray(0, blocks.length - missing);
    const found = unstored(given);
    if (found === undefined) refused += 1;
    return found === undefined || same(inflateRawSync(given, { finishFlush: constants.Z_SYNC_FLUSH }), found);
  });
  fc.assert(property);
  t.true(refused > 0);
});
