import test from 'ava';
import { readCarrier } from '../../../core/carrier/read.js';
import { bytesSource } from '../../../core/carrier/source.js';
import { collect, same } from '../streams.js';
import { expectOutcome, vectorsOf } from '../vectors.js';
import { carrierOf } from './samples.js';

for (const vector of vectorsOf('carrier')) {
  test(vector.name, async (t) => {
    await expectOutcome(t, vector, async () => {
      const carrier = await readCarrier(bytesSource(vector.body));
      const payload = await collect(carrier.payload(Number(vector.value('payload-bytes'))));
      t.true(same(payload, vector.bytes('payload')));
      t.true(same(carrier.slot, vector.bytes('slot')));
      const shape = { width: Number(vector.value('width')), height: Number(vector.value('height')) };
      const again = await carrierOf(payload, vector.value('compression') as 'fast' | 'small', {
        shape,
        cover: Buffer.alloc(3 * shape.width * shape.height, vector.bytes('cover')),
        slot: vector.bytes('slot'),
        noise: (bytes) => new Uint8Array(bytes),
      });
      if (vector.value('compression') === 'fast') t.true(same(again, vector.body));
      else
        t.true(same(await collect((await readCarrier(bytesSource(again))).payload(payload.length)), payload));
    });
  });
}
