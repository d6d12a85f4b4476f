import test from 'ava';
import { psnr, ssim } from '../../../bench/hide/likeness.js';

const plane = (samples: Uint8Array) => ({ width: 16, height: samples.length / 16, samples });
const ramp = Uint8Array.from({ length: 256 }, (_, at) => at);

test('the same picture is like itself', (t) => {
  t.is(psnr(ramp, ramp), Infinity);
  t.is(ssim(plane(ramp), plane(ramp)), 1);
});

test('a level everywhere is 48.13 dB', (t) => {
  const lighter = ramp.map((sample) => (sample === 255 ? 254 : sample + 1));
  t.is(psnr(ramp, lighter).toFixed(2), '48.13');
  t.true(ssim(plane(ramp), plane(lighter)) < 1);
  t.true(ssim(plane(ramp), plane(lighter)) > 0.99);
});

test('its negative is not', (t) => {
  const negative = ramp.map((sample) => 255 - sample);
  t.true(ssim(plane(ramp), plane(negative)) < 0);
});

test('pictures of two sizes are not compared', (t) => {
  t.throws(() => psnr(ramp, ramp.subarray(1)), { instanceOf: RangeError });
  t.throws(() => ssim(plane(ramp), plane(ramp.subarray(16))), { instanceOf: RangeError });
});
